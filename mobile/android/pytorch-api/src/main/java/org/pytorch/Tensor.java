package org.pytorch;

public abstract class Tensor {
  Tensor() {}

  public static Tensor fromBlob(float[] data, long[] shape) {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }

  public float[] getDataAsFloatArray() {
    throw new UnsupportedOperationException("signatures alone: pytorch_android_lite is not here");
  }
}
