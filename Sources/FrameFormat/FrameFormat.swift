// FrameFormat
