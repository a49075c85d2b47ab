package org.kws.core

import java.util.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class SpotterTest {
    private val stream = ShortArray(537) { i -> if (i in 40..60) 2 else if (i in 300..320) 3 else if (i % 7 == 0) 1 else 0 }

    private fun spot(feed: Spotter.() -> Unit): Pair<List<Result>, FirstSampleScorer> {
        val results = mutableListOf<Result>()
        val scorer = FirstSampleScorer(4)
        Spotter(smallModel(), scorer) { results.add(it) }.feed()
        return results to scorer
    }

    @Test
    fun scoresWholeWindowsAtTheirTimesAndTheRestWithZeros() {
        val (results, scorer) = spot {
            feed(stream, stream.size)
            flush()
        }
        assertEquals(List(45) { 10L * it }, results.map { it.timeMs })
        for ((index, clip) in scorer.clips.withIndex()) {
            val expected = FloatArray(100) { i -> stream.getOrElse(10 * index + i) { 0 } / 32768f }
            assertArrayEquals("window $index", expected, clip, 0f)
        }
    }

    @Test
    fun anyChunkingGivesTheSame() {
        val whole = spot { feed(stream, stream.size) }.first
        val random = Random(0)
        repeat(50) {
            val parts = spot {
                var at = 0
                while (at < stream.size) {
                    val part = minOf(random.nextInt(150), stream.size - at)
                    feed(stream.copyOfRange(at, at + part), part)
                    at += part
                }
            }.first
            assertEquals(whole.map { it.timeMs to it.detection }, parts.map { it.timeMs to it.detection })
        }
    }

    @Test
    fun nothingIsJoinedOverAGap() {
        val (results, scorer) = spot {
            feed(stream, 150)
            skip(1000)
            feed(stream, 110)
        }
        assertEquals(listOf(0L, 10, 20, 30, 40, 50, 1150, 1160), results.map { it.timeMs })
        assertEquals(stream[0] / 32768f, scorer.clips[6][0], 0f)
    }

    @Test
    fun aStreamShorterThanAWindowIsAWindowAndAnEmptyOneIsNone() {
        assertEquals(1, spot { feed(stream, 3); flush() }.first.size)
        assertEquals(0, spot { flush() }.first.size)
        assertEquals(1, spot { feed(stream, 100); flush() }.first.size)
    }

    @Test
    fun silenceIsNoDetectionAndUnknownIsOne() {
        val said = ShortArray(700) { i -> if (i < 200) 2 else if (i < 350) 0 else 1 }
        val found = spot { feed(said, said.size) }.first.mapNotNull { it.detection }
        assertEquals(listOf("yes", UNKNOWN), found.map { it.label })
    }

    @Test
    fun settingsOfAnotherStrideAreRefused() {
        assertRefused("stride_ms: 20 given while windows come every 10 ms") { spot { use(DecoderSettings(0, 0.5, 0, 1, 20)) } }
    }
}
