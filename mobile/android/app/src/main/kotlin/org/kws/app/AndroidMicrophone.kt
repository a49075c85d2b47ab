package org.kws.app

import android.annotation.SuppressLint
import android.media.AudioFormat
import android.media.AudioRecord
import android.media.MediaRecorder
import org.kws.core.Microphone
import org.kws.core.Refused

/**
 * The phone's microphone: 16 bit, one channel, at the wanted rate or the first that the device gives.
 *
 * @param leastBytes buffer that the device wants at a rate; not above 0: it has no such rate
 */
class AndroidMicrophone(private val wantedHz: Int, private val leastBytes: (Int) -> Int = ::deviceLeastBytes) : Microphone {
    private var record: AudioRecord? = null
    override var rateHz = wantedHz
        private set

    override fun open() {
        for (rate in (listOf(wantedHz) + FALLBACKS_HZ).distinct()) {
            record = opened(rate) ?: continue
            rateHz = rate
            return
        }
        throw Refused("the microphone can't be had at $wantedHz Hz or any other rate; another app may hold it: close that, try again")
    }

    override fun read(into: ShortArray): Int {
        val count = record?.read(into, 0, into.size) ?: 0
        if (count < 0) throw Refused("the microphone gave error $count; another app may have taken it: try again")
        return count
    }

    override fun close() {
        record?.run {
            // Throws where recording has ended by itself; released it is in any case.
            try {
                stop()
            } catch (_: IllegalStateException) {
            }
            release()
        }
        record = null
    }

    // Who listens has asked for the permission; where it was taken back, the error is shown.
    @SuppressLint("MissingPermission")
    private fun opened(rate: Int): AudioRecord? {
        val least = leastBytes(rate)
        if (least <= 0) return null
        val bytes = maxOf(least, rate * Short.SIZE_BYTES * BUFFER_MS / 1000)
        val made = try {
            AudioRecord(
                MediaRecorder.AudioSource.VOICE_RECOGNITION, rate, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_16BIT, bytes,
            )
        } catch (_: IllegalArgumentException) {
            return null
        }
        if (made.state == AudioRecord.STATE_INITIALIZED) {
            made.startRecording()
            if (made.recordingState == AudioRecord.RECORDSTATE_RECORDING) return made
        }
        made.release()
        return null
    }

    private companion object {
        val FALLBACKS_HZ = listOf(48000, 44100, 32000, 16000, 22050, 11025, 8000)
        const val BUFFER_MS = 500
    }
}

private fun deviceLeastBytes(rate: Int) =
    AudioRecord.getMinBufferSize(rate, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_16BIT)
