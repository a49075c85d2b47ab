package org.pytorch;

import java.util.Map;

public class LiteModuleLoader {
  private LiteModuleLoader() {}

  public static Module load(String modelPath, Map<String, String> extraFiles, Device device) {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }
}
