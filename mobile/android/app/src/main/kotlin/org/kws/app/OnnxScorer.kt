package org.kws.app

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.kws.core.ModelDescription
import org.kws.core.Refused
import org.kws.core.Scorer

/** An `.onnx` file in ONNX Runtime, on one thread of the CPU. */
class OnnxScorer(file: File, private val model: ModelDescription) : Scorer {
    private val environment = native("ONNX Runtime", file) { OrtEnvironment.getEnvironment() }
    private val session = native("ONNX Runtime", file) {
        OrtSession.SessionOptions().use { options ->
            options.setIntraOpNumThreads(1)
            environment.createSession(file.path, options)
        }
    }
    private val name = session.inputNames.first()
    private val samples = ByteBuffer.allocateDirect(Float.SIZE_BYTES * model.clipSamples).order(ByteOrder.nativeOrder()).asFloatBuffer()
    private val input = OnnxTensor.createTensor(environment, samples, longArrayOf(1, model.clipSamples.toLong()))

    override fun score(clip: FloatArray): FloatArray {
        samples.clear()
        samples.put(clip)
        return session.run(mapOf(name to input)).use { result ->
            val scores = (result.get(0) as OnnxTensor).floatBuffer
            if (scores.remaining() != model.labels.size) {
                throw Refused("${scores.remaining()} scores, ${model.labels.size} labels; export the model again")
            }
            FloatArray(scores.remaining()).also { scores.get(it) }
        }
    }

    override fun close() {
        input.close()
        session.close()
    }
}
