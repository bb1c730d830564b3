//! Live capture, by libpcap.
