package org.pytorch;

public class Module {
  Module() {}

  public IValue forward(IValue... inputs) {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }

  public void destroy() {}
}
