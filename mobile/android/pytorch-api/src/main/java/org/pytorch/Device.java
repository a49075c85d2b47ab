package org.pytorch;

public enum Device {
  CPU,
  VULKAN
}
