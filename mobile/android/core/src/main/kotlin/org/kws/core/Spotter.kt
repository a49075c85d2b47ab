package org.kws.core

/** A word that was found: [timeMs] is the start of the window of sound that decided. */
data class Detection(val label: String, val timeMs: Long, val score: Float)

/** What became of a window of sound. */
class Result(val timeMs: Long, val scores: FloatArray, val decision: Decision, val detection: Detection?)

/**
 * Words in a stream, at the times of `kws stream` (kws/streaming/spotter.py with whole clips). Its memory does not grow.
 *
 * Times count from the stream's first sample, lost ones included. Silence is no detection; unknown is one.
 *
 * @param onResult called for each window
 */
class Spotter(private val model: ModelDescription, private val scorer: Scorer, private val onResult: (Result) -> Unit) {
    private val clip = FloatArray(model.clipSamples)
    private var filled = 0
    private var heard = 0L
    private var begin = 0L
    private var windows = 0L
    private var decoder = Decoder(model.labels, model.decoder)

    /** Decode from here on with other settings; their stride must stay. */
    fun use(settings: DecoderSettings) {
        if (settings.strideMs != model.decoder.strideMs) {
            throw Refused("stride_ms: ${settings.strideMs} given while windows come every ${model.decoder.strideMs} ms")
        }
        decoder = Decoder(model.labels, settings)
    }

    /** Take in the next samples, at the model's rate. */
    fun feed(samples: ShortArray, count: Int) {
        var taken = 0
        while (taken < count) {
            val part = minOf(count - taken, clip.size - filled)
            for (i in 0 until part) clip[filled + i] = Pcm.toFloat(samples[taken + i])
            taken += part
            filled += part
            heard += part
            if (filled == clip.size) scoreWindow()
        }
    }

    /** Tell that samples were lost: nothing before the gap is joined to anything after it. */
    fun skip(samples: Long) {
        if (samples == 0L) return
        heard += samples
        restart()
    }

    /** End the stream: what came after the last whole window is filled up with zeros and scored as one window more. */
    fun flush() {
        val done = windows * model.strideSamples
        val reached = if (windows > 0) done - model.strideSamples + clip.size else 0
        if (heard - begin > reached) {
            clip.fill(0f, filled)
            scoreWindow()
        }
        heard = 0
        restart()
    }

    private fun restart() {
        begin = heard
        windows = 0
        filled = 0
        decoder.reset()
    }

    private fun scoreWindow() {
        val scores = scorer.score(clip)
        val timeMs = (begin + windows * model.strideSamples) * 1000 / model.rateHz
        windows++
        clip.copyInto(clip, 0, model.strideSamples)
        filled = clip.size - model.strideSamples
        val decision = decoder.step(scores, timeMs)
        val label = model.labels[decision.label]
        val detection = if (decision.isNew && label != SILENCE) Detection(label, timeMs, decision.score) else null
        onResult(Result(timeMs, scores, decision, detection))
    }
}
