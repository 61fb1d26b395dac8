// NativeActions
