package org.kws.core

/** A model for tests: 1000 samples a second, clips of 100, a window every 10 ms, each result by itself. */
fun smallModel(settings: DecoderSettings = DecoderSettings(0, 0.5, 200, 1, 10)) = ModelDescription(
    "small", listOf(SILENCE, UNKNOWN, "yes", "no"), 1000, 100, settings,
    mapOf(Engine.PYTORCH to ModelFile("model.ptl", "0".repeat(64), 1)), "0.1.0",
)

/** Says what the first sample of a clip says: the label of that index. */
class FirstSampleScorer(private val labels: Int, private val delayMs: Long = 0) : Scorer {
    val clips = mutableListOf<FloatArray>()
    var isClosed = false

    override fun score(clip: FloatArray): FloatArray {
        clips.add(clip.copyOf())
        if (delayMs > 0) Thread.sleep(delayMs)
        val label = (clip[0] * Pcm.FULL_SCALE).toInt()
        return FloatArray(labels) { if (it == label) 1f else 0f }
    }

    override fun close() {
        isClosed = true
    }
}

/** Samples from an array, as fast as they are read, or paced. */
class ArrayMicrophone(
    private val samples: ShortArray,
    override val rateHz: Int = 1000,
    private val pauseMs: Long = 0,
    private val isEndless: Boolean = false,
) : Microphone {
    @Volatile var isOpen = false
    @Volatile var reads = 0
    private var at = 0

    override fun open() {
        isOpen = true
    }

    override fun read(into: ShortArray): Int {
        if (pauseMs > 0) Thread.sleep(pauseMs)
        reads++
        if (isEndless && at == samples.size) at = 0
        val count = minOf(into.size, samples.size - at)
        samples.copyInto(into, 0, at, at + count)
        at += count
        return count
    }

    override fun close() {
        isOpen = false
    }
}

/** Keeps all that a listener tells. */
class Recorded : ListenerEvents {
    val results = mutableListOf<Result>()
    @Volatile var lost = 0L
    @Volatile var overruns = 0
    @Volatile var ends = 0
    @Volatile var error: Exception? = null

    override fun onResult(result: Result, scoringNanos: Long) {
        synchronized(results) { results.add(result) }
    }

    override fun onOverrun(samples: Long, overruns: Int) {
        lost += samples
        this.overruns = overruns
    }

    override fun onEnd(error: Exception?) {
        this.error = error
        ends++
    }
}
