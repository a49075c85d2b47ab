package org.kws.core

import java.util.Random
import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.sin
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class ResamplerTest {
    private fun tone(hz: Double, rateHz: Int, seconds: Double = 0.5) =
        ShortArray((rateHz * seconds).toInt()) { (16000 * sin(2 * PI * hz * it / rateHz)).toInt().toShort() }

    @Test
    fun aToneKeepsItsTimeAndItsSize() {
        for (from in listOf(48000, 44100, 32000, 22050, 11025, 8000)) {
            for (hz in listOf(100.0, 1000.0, 3000.0)) {
                val input = tone(hz, from)
                val output = Resampler(from, 16000).process(input, input.size)
                val expected = tone(hz, 16000)
                assertTrue("$from Hz: ${output.size} of ${expected.size}", output.size in expected.size - 60..expected.size)
                val worst = (100 until output.size).maxOf { abs(output[it] - expected[it]) }
                assertTrue("$from Hz, tone of $hz Hz: differs by $worst of 16000", worst < 80)
            }
        }
    }

    @Test
    fun whatTheNewRateCanNotHoldIsRemoved() {
        for (hz in listOf(9000.0, 12000.0, 20000.0)) {
            val input = tone(hz, 48000)
            val output = Resampler(48000, 16000).process(input, input.size)
            val loudest = (200 until output.size).maxOf { abs(output[it].toInt()) }
            assertTrue("$hz Hz: $loudest of 16000 left", loudest < 160)
        }
    }

    @Test
    fun aConstantStaysAndTheLoudestIsNotWrappedRound() {
        val input = ShortArray(4410) { Short.MAX_VALUE }
        val output = Resampler(44100, 16000).process(input, input.size)
        for (i in 100 until output.size) assertEquals(32767.0, output[i].toDouble(), 1.0)
        assertTrue(output.all { it >= -4000 })
    }

    @Test
    fun chunksOfAnySizeGiveTheSame() {
        val random = Random(0)
        val input = ShortArray(20000) { (random.nextInt(20000) - 10000).toShort() }
        for (from in listOf(48000, 44100, 8000)) {
            val whole = Resampler(from, 16000).process(input, input.size)
            val resampler = Resampler(from, 16000)
            val parts = mutableListOf<Short>()
            var at = 0
            while (at < input.size) {
                val size = minOf(random.nextInt(700), input.size - at)
                parts.addAll(resampler.process(input.copyOfRange(at, at + size), size).toList())
                at += size
            }
            assertArrayEquals(whole, parts.toShortArray())
        }
    }
}
