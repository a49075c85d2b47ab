package org.kws.core

/** 16-bit samples and what the models take: float in [-1, 1). */
object Pcm {
    const val FULL_SCALE = 32768f

    /** A sample divided by 32768, which is exact. */
    fun toFloat(sample: Short): Float = sample / FULL_SCALE

    /** Times 32768, rounded to the nearest, clipped. */
    fun toShort(sample: Float): Short = Math.rint((sample * FULL_SCALE).toDouble()).coerceIn(-32768.0, 32767.0).toInt().toShort()
}
