package org.kws.core

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** A model and a stream that checks/write_stream.py wrote: the same detections at the same times as kws's Spotter finds. */
class EndToEndTest {
    private class OnnxScorer(file: File, private val samples: Long) : Scorer {
        private val session: OrtSession = OrtEnvironment.getEnvironment().createSession(file.path)
        private val input = session.inputNames.first()

        override fun score(clip: FloatArray): FloatArray =
            OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), FloatBuffer.wrap(clip), longArrayOf(1, samples)).use { tensor ->
                session.run(mapOf(input to tensor)).use { result ->
                    val row = FloatArray((result[0] as OnnxTensor).floatBuffer.remaining())
                    (result[0] as OnnxTensor).floatBuffer.get(row)
                    row
                }
            }

        override fun close() = session.close()
    }

    @Test
    fun findsWhatKwsStreamFinds() {
        val folder = File(System.getProperty("kws.stream").orEmpty())
        assumeTrue("no folder of checks/write_stream.py in kws.stream", folder.isDirectory)
        val assets = File(folder, "app/app/src/main/assets/kws")
        val model = ModelDescription.parse(File(assets, ModelDescription.MANIFEST).readText())
        val file = File(assets, model.engines.getValue(Engine.ONNX_RUNTIME).file)
        val wav = samples(File(folder, "stream.wav"))
        val events = Recorded()
        val scorer = { OnnxScorer(file, model.clipSamples.toLong()) }
        val listener = Listener(model, scorer, ArrayMicrophone(wav, model.rateHz), events, wav.size / (model.rateHz / 1000) + 1000)
        listener.start()
        listener.join()
        assertNull(events.error)
        val expected = File(folder, "expected.jsonl").readLines().map { JsonObject.parse(it, "expected.jsonl") }
        val found = events.results.mapNotNull { it.detection }
        assertTrue("${expected.size} detections", expected.size >= 20)
        assertEquals(expected.map { it.text("label") to it.long("time_ms") }, found.map { it.label to it.timeMs })
        expected.zip(found) { one, other -> assertEquals(one.number("score"), other.score.toDouble(), 1e-4) }
        println("${found.size} detections in ${wav.size / model.rateHz} s, all as kws's")
    }

    /** Of a WAV as kws writes it: a header of 44 bytes, then 16-bit samples. */
    private fun samples(file: File): ShortArray {
        val bytes = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN)
        bytes.position(44)
        val shorts = bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer()
        return ShortArray(shorts.remaining()).also { shorts.get(it) }
    }
}
