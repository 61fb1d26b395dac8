// ImageFormat
