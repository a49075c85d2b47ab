package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class ListenerTest {
    private val said = ShortArray(2000) { i -> if (i in 500..600) 2 else if (i in 1200..1300) 3 else 0 }
    private val events = Recorded()

    private fun awaitTrue(what: () -> Boolean) {
        val end = System.nanoTime() + 10_000_000_000
        while (!what() && System.nanoTime() < end) Thread.sleep(2)
        assertTrue(what())
    }

    @Test
    fun hearsAllToTheEnd() {
        val scorer = FirstSampleScorer(4)
        val microphone = ArrayMicrophone(said)
        Listener(smallModel(), { scorer }, microphone, events, bufferMs = 3000).run { start(); join() }
        assertEquals(191, events.results.size)
        assertEquals(listOf(Detection("yes", 500, 1f), Detection("no", 1200, 1f)), events.results.mapNotNull { it.detection })
        assertEquals(listOf(0, 1), listOf(events.overruns, events.ends))
        assertNull(events.error)
        assertTrue(scorer.isClosed)
        assertFalse(microphone.isOpen)
    }

    @Test
    fun aSlowScorerLosesSoundAndCountsEverySample() {
        val scorer = FirstSampleScorer(4, delayMs = 15)
        Listener(smallModel(), { scorer }, ArrayMicrophone(said, pauseMs = 2), events, bufferMs = 60).run { start(); join() }
        assertTrue("${events.overruns} overruns", events.overruns > 0)
        val times = events.results.map { it.timeMs }
        assertEquals(times.sorted(), times)
        // Time goes on over what was lost, to the stream's end and no further.
        assertTrue("ends at ${times.last()} ms", times.last() in 1000..2000)
        assertTrue("${events.lost} of 2000 lost, ${times.size} windows", events.lost in 1..1999 && times.size < 191)
    }

    @Test
    fun stopEndsBothThreadsAndFreesTheMicrophone() {
        val scorer = FirstSampleScorer(4)
        val microphone = ArrayMicrophone(said, pauseMs = 1, isEndless = true)
        val listener = Listener(smallModel(), { scorer }, microphone, events)
        listener.start()
        awaitTrue { synchronized(events.results) { events.results.size > 20 } }
        repeat(3) { listener.stop() }
        listener.join()
        assertFalse(microphone.isOpen)
        assertTrue(scorer.isClosed)
        val reads = microphone.reads
        Thread.sleep(30)
        assertEquals(listOf(reads, 1), listOf(microphone.reads, events.ends))
        assertNull(events.error)
    }

    @Test
    fun anErrorOfTheScorerEndsItAndIsTold() {
        val broken = object : Scorer {
            override fun score(clip: FloatArray): FloatArray = throw Refused("the model broke")

            override fun close() = Unit
        }
        val microphone = ArrayMicrophone(said, pauseMs = 1, isEndless = true)
        Listener(smallModel(), { broken }, microphone, events).run { start(); join() }
        assertEquals("the model broke", events.error?.message)
        assertFalse(microphone.isOpen)
    }

    @Test
    fun aModelThatDoesNotLoadLeavesTheMicrophoneAlone() {
        val microphone = ArrayMicrophone(said)
        Listener(smallModel(), { throw Refused("no such model") }, microphone, events).run { start(); join() }
        assertEquals("no such model", events.error?.message)
        assertEquals(0, microphone.reads)
    }

    @Test
    fun aMicrophoneThatIsNotToBeHadIsTold() {
        val taken = object : Microphone by ArrayMicrophone(said) {
            override fun open() = throw Refused("another app has the microphone")
        }
        val scorer = FirstSampleScorer(4)
        Listener(smallModel(), { scorer }, taken, events).run { start(); join() }
        assertEquals("another app has the microphone", events.error?.message)
        assertTrue(scorer.isClosed)
    }

    @Test
    fun otherSettingsCountFromTheNextSamplesOn() {
        val microphone = ArrayMicrophone(ShortArray(200) { 2 }, pauseMs = 1, isEndless = true)
        val never = smallModel().decoder.withOneThreshold(1.0)
        val listener = Listener(smallModel(never), { FirstSampleScorer(4) }, microphone, events)
        listener.start()
        awaitTrue { synchronized(events.results) { events.results.size > 10 } }
        assertTrue(synchronized(events.results) { events.results.all { it.detection == null } })
        listener.use(never.withOneThreshold(0.5))
        awaitTrue { synchronized(events.results) { events.results.any { it.detection?.label == "yes" } } }
        listener.stop()
        listener.join()
    }

    @Test
    fun aMicrophoneOfAnotherRateIsResampled() {
        val slow = ShortArray(3000) { i -> said[i * 2 / 3].let { if (it > 0) 16000 else 0 } }
        val loud = object : Scorer {
            override fun score(clip: FloatArray) = floatArrayOf(if (clip[0] > 0.25f) 0f else 1f, 0f, if (clip[0] > 0.25f) 1f else 0f, 0f)

            override fun close() = Unit
        }
        Listener(smallModel(), { loud }, ArrayMicrophone(slow, rateHz = 1500), events, bufferMs = 3000).run { start(); join() }
        assertEquals(listOf(500L, 1200L), events.results.mapNotNull { it.detection?.timeMs })
    }
}
