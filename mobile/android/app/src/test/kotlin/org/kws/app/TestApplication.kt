package org.kws.app

import java.io.File
import java.io.FileNotFoundException
import java.io.InputStream
import java.security.MessageDigest
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import org.kws.core.Engine
import org.kws.core.Microphone
import org.kws.core.ModelDescription
import org.kws.core.Scorer

private val MODEL = "a model".toByteArray()

/** The app with a model, a microphone and an engine that a test works by hand. */
class TestApplication : KwsApplication() {
    val assets = HashMap<String, ByteArray>()
    val microphone = HandMicrophone()
    val engines = ArrayList<Engine>()

    /** What the engine answers. */
    @Volatile var scores: FloatArray? = null

    /** What it does before that. */
    @Volatile var onScore: () -> Unit = {}
    val scored = AtomicInteger()

    /** Put a model into the assets. */
    fun use(words: List<String>, vararg engines: Engine = arrayOf(Engine.PYTORCH), decoder: String = PLAIN) {
        val sum = MessageDigest.getInstance("SHA-256").digest(MODEL).joinToString("") { "%02x".format(it) }
        val files = engines.joinToString {
            """"${it.key}": {"file": "model.${it.ordinal}", "sha256": "$sum", "bytes": ${MODEL.size}}"""
        }
        val labels = (listOf("_silence_", "_unknown_") + words).joinToString { "\"$it\"" }
        assets["model.json"] = """
            {"manifest": 1, "name": "best", "engines": {$files}, "kws": {"format": 1, "kws_version": "0.1.0", "labels": [$labels],
             "sound": {"rate_hz": 16000, "clip_samples": 16000}, "decoder": $decoder}}""".toByteArray()
        for (engine in engines) assets["model.${engine.ordinal}"] = MODEL
    }

    override fun openAsset(name: String): InputStream = assets[name]?.inputStream() ?: throw FileNotFoundException(name)

    override fun microphone(model: ModelDescription): Microphone = microphone

    override fun scorer(engine: Engine, file: File, model: ModelDescription): Scorer {
        check(file.readBytes().contentEquals(MODEL))
        engines.add(engine)
        return object : Scorer {
            override fun score(clip: FloatArray): FloatArray {
                scored.incrementAndGet()
                onScore()
                return scores ?: FloatArray(model.labels.size) { if (it == 0) 1f else 0f }
            }

            override fun close() = Unit
        }
    }

    companion object {
        const val PLAIN = """{"average_window_ms": 0, "minimum_count": 1, "threshold": 0.6, "suppression_ms": 100, "stride_ms": 30}"""
    }
}

/** Gives as many samples as it is told to, and then waits. */
class HandMicrophone : Microphone {
    override val rateHz = 16000
    val opened = AtomicInteger()
    val closed = AtomicInteger()
    private val given = LinkedBlockingQueue<Int>()
    val isOpen: Boolean get() = opened.get() > closed.get()
    val isEmpty: Boolean get() = given.isEmpty()

    fun give(ms: Int) {
        for (part in 0 until ms / 10) given.add(160)
    }

    override fun open() {
        opened.incrementAndGet()
    }

    override fun read(into: ShortArray): Int {
        // As a real one it never waits for long: a few samples come in any case.
        return given.poll(5, TimeUnit.MILLISECONDS) ?: 1
    }

    override fun close() {
        closed.incrementAndGet()
    }
}
