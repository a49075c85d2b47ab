package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Test

class PcmTest {
    @Test
    fun everySampleComesBack() {
        for (sample in Short.MIN_VALUE..Short.MAX_VALUE) assertEquals(sample.toShort(), Pcm.toShort(Pcm.toFloat(sample.toShort())))
    }

    @Test
    fun scalesAsPythonDoes() {
        assertEquals(-1f, Pcm.toFloat(Short.MIN_VALUE), 0f)
        assertEquals(32767f / 32768f, Pcm.toFloat(Short.MAX_VALUE), 0f)
        assertEquals(2, Pcm.toShort(2.5f / 32768).toInt())
        assertEquals(Short.MAX_VALUE, Pcm.toShort(7f))
        assertEquals(Short.MIN_VALUE, Pcm.toShort(-7f))
    }
}
