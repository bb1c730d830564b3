//! Capture files: our own reader.
