package org.kws.app

import android.media.AudioRecord
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.kws.core.Refused
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowAudioRecord

/** Robolectric's AudioRecord, on a device that gives certain rates alone. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class AndroidMicrophoneTest {
    private val given = HashSet<Int>()
    private val asked = ArrayList<Int>()
    private val microphone = AndroidMicrophone(16000) { rate ->
        asked.add(rate)
        if (rate in given) rate / 5 else AudioRecord.ERROR_BAD_VALUE
    }

    private fun hear(source: ShadowAudioRecord.AudioRecordSource) = ShadowAudioRecord.setSourceProvider { source }

    @After
    fun close() {
        microphone.close()
        ShadowAudioRecord.clearSource()
    }

    @Test
    fun takesTheWantedRateWhereItIsGiven() {
        given.addAll(listOf(16000, 48000))
        hear(object : ShadowAudioRecord.AudioRecordSource {
            override fun readInShortArray(into: ShortArray, at: Int, size: Int, isBlocking: Boolean): Int {
                for (i in 0 until 3) into[at + i] = (7 + i).toShort()
                return 3
            }
        })
        microphone.open()
        val into = ShortArray(5)
        assertEquals(listOf(16000, 3), listOf(microphone.rateHz, microphone.read(into)))
        assertArrayEquals(shortArrayOf(7, 8, 9, 0, 0), into)
        assertEquals(listOf(16000), asked)
    }

    @Test
    fun takesTheFirstRateThatIsGivenWhereTheWantedOneIsNot() {
        given.addAll(listOf(8000, 44100))
        microphone.open()
        assertEquals(44100, microphone.rateHz)
        assertEquals(listOf(16000, 48000, 44100), asked)
        microphone.close()
        given.remove(44100)
        microphone.open()
        assertEquals(8000, microphone.rateHz)
    }

    @Test
    fun saysThatNoRateIsGiven() {
        val message = assertThrows(Refused::class.java) { microphone.open() }.message.orEmpty()
        assertTrue(message, message.startsWith("the microphone can't be had at 16000 Hz or any other rate"))
        assertEquals(listOf(16000, 48000, 44100, 32000, 22050, 11025, 8000), asked)
    }

    @Test
    fun anErrorWhileReadingIsRefusedWithItsNumber() {
        given.addAll(listOf(16000))
        hear(object : ShadowAudioRecord.AudioRecordSource {
            override fun readInShortArray(into: ShortArray, at: Int, size: Int, isBlocking: Boolean) = AudioRecord.ERROR_DEAD_OBJECT
        })
        microphone.open()
        val message = assertThrows(Refused::class.java) { microphone.read(ShortArray(5)) }.message.orEmpty()
        assertTrue(message, message.startsWith("the microphone gave error -6"))
    }
}
