package org.pytorch;

public class IValue {
  IValue() {}

  public static IValue from(Tensor tensor) {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }

  public Tensor toTensor() {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }
}
