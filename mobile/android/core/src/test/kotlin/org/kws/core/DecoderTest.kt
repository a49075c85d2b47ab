package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Test

class DecoderTest {
    private val labels = listOf(SILENCE, UNKNOWN, "yes")

    @Test
    fun refusesWhatIsNoResult() {
        val decoder = Decoder(labels, DecoderSettings(averageWindowMs = 0, minimumCount = 1))
        decoder.step(floatArrayOf(0f, 0f, 1f), 5000)
        assertRefused("2 scores at 5030 ms; 3 are expected") { decoder.step(floatArrayOf(0f, 1f), 5030) }
        assertRefused("NaN") { decoder.step(floatArrayOf(0f, Float.NaN, 1f), 5030) }
        assertRefused("4999 ms after one of 5000 ms") { decoder.step(floatArrayOf(0f, 0f, 1f), 4999) }
        assertEquals(Decision(2, 1f, false), decoder.step(floatArrayOf(0f, 0f, 1f), 5000))
    }

    @Test
    fun refusesLabelsThatDoNotFit() {
        assertRefused("at least one") { Decoder(emptyList(), DecoderSettings()) }
        assertRefused("each once") { Decoder(listOf("yes", "yes"), DecoderSettings()) }
        assertRefused("no not among the labels") { Decoder(labels, DecoderSettings(wordThresholds = mapOf("no" to 0.5))) }
    }

    @Test
    fun refusesSettingsAsPythonDoes() {
        assertRefused("average_window_ms: -1") { DecoderSettings(averageWindowMs = -1) }
        assertRefused("threshold: NaN") { DecoderSettings(threshold = Double.NaN) }
        assertRefused("word_thresholds.yes: 1.5") { DecoderSettings(wordThresholds = mapOf("yes" to 1.5)) }
        assertRefused("minimum_count: 18 given, but a window of 500 ms holds 17") { DecoderSettings(minimumCount = 18) }
        assertRefused("stride_ms: 600") { DecoderSettings(strideMs = 600, minimumCount = 1) }
        assertRefused("repeat_held_ms") { DecoderSettings(repeatHeldMs = 100) }
        assertRefused("release_threshold: 0.5 given; at most the lowest threshold, 0.4") {
            DecoderSettings(releaseThreshold = 0.5, wordThresholds = mapOf("yes" to 0.4))
        }
    }

    @Test
    fun oneThresholdTakesThePlaceOfAll() {
        val tuned = DecoderSettings(wordThresholds = mapOf("yes" to 0.9), releaseThreshold = 0.5)
        assertEquals(DecoderSettings(threshold = 0.3, releaseThreshold = 0.3), tuned.withOneThreshold(0.3))
    }
}
