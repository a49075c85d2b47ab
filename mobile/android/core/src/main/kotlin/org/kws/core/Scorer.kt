package org.kws.core

import java.io.Closeable

/** Runs a model of whole clips; used by one thread. */
interface Scorer : Closeable {
    /** Probabilities, one a label, of a clip: float in [-1, 1], as many samples as the model takes. */
    fun score(clip: FloatArray): FloatArray
}

/** Where sound comes from: 16-bit samples, one channel. */
interface Microphone : Closeable {
    /** Samples a second; known once it is open. */
    val rateHz: Int

    /**
     * Begin to record.
     *
     * @throws Refused it can't be had; says why
     */
    fun open()

    /**
     * Wait for samples, and put them into the front of [into].
     *
     * @return how many; 0 or less at the end
     */
    fun read(into: ShortArray): Int
}
