package org.kws.core

/**
 * What the decoder makes of one result.
 *
 * @property label index of the one with the highest averaged score; of the last one found while there is too little to average
 * @property score its averaged score; 0 while there is too little to average
 * @property isNew it was found just now: the moment to act
 */
data class Decision(val label: Int, val score: Float, val isNew: Boolean)

/**
 * Scores over time to commands: kws/streaming/decoder.py, answer for answer (tests/golden/decoder_traces.json).
 *
 * @param labels names of the scores, in order
 * @throws Refused no labels, a label twice, or a threshold for a word that is no label
 */
class Decoder(private val labels: List<String>, private val settings: DecoderSettings) {
    private val thresholds = FloatArray(labels.size) { settings.thresholdOf(labels[it]).toFloat() }
    private val releases =
        settings.releaseThreshold?.let { release -> FloatArray(labels.size) { release.toFloat() } } ?: thresholds
    private val window = ScoreWindow(labels.size, settings.averageWindowMs, settings.minimumCount)
    private var latestMs: Long? = null
    private var found = SILENCE
    private var foundIndex = 0
    private var foundMs = 0L
    private var released = true
    private var leader = -1
    private var run = 0

    init {
        if (labels.isEmpty() || labels.toSet().size < labels.size) {
            throw Refused("labels: $labels given; at least one, and each once, is expected")
        }
        val strangers = settings.wordThresholds.keys - labels.toSet()
        if (strangers.isNotEmpty()) throw Refused("word_thresholds: ${strangers.joinToString()} not among the labels, $labels")
    }

    /** Forget the stream: the next result may have any time. */
    fun reset() {
        window.clear()
        latestMs = null
        found = SILENCE
        foundIndex = 0
        foundMs = 0
        released = true
        leader = -1
        run = 0
    }

    /**
     * Take in the scores of the next window of sound.
     *
     * @param timeMs start of the window, not before the last one's
     * @throws Refused another number of scores, one that is not finite, or a time that runs backwards; nothing was taken in
     */
    fun step(scores: FloatArray, timeMs: Long): Decision {
        check(scores, timeMs)
        val average = window.add(scores, timeMs)
        latestMs = timeMs
        if (average == null) {
            run = 0
            released = true
            return Decision(foundIndex, 0f, false)
        }
        var top = 0
        for (label in 1 until average.size) if (average[label] > average[top]) top = label
        val isNew = isNew(top, average, timeMs)
        if (isNew) {
            found = labels[top]
            foundIndex = top
            foundMs = timeMs
            released = isQuiet(found)
        }
        return Decision(top, average[top], isNew)
    }

    private fun isNew(top: Int, average: FloatArray, timeMs: Long): Boolean {
        if (!released && average[foundIndex] <= releases[foundIndex]) released = true
        if (average[top] <= thresholds[top]) {
            run = 0
            return false
        }
        run = if (top == leader && run > 0) run + 1 else 1
        leader = top
        val passedMs = timeMs - foundMs
        if (run < settings.consecutiveWindows) return false
        if (!(found == SILENCE || passedMs > settings.suppressionMs)) return false
        if (labels[top] != found) return released || settings.releaseThreshold == null
        if (!settings.repeatWords || isQuiet(found)) return false
        return released || (settings.repeatHeldMs != null && passedMs >= settings.repeatHeldMs)
    }

    private fun check(scores: FloatArray, timeMs: Long) {
        if (scores.size != labels.size) throw Refused("${scores.size} scores at $timeMs ms; ${labels.size} are expected, one a label")
        if (!scores.all { it.isFinite() }) throw Refused("scores at $timeMs ms: NaN or infinite; finite numbers are expected")
        val latest = latestMs
        if (latest != null && timeMs < latest) throw Refused("a result of $timeMs ms after one of $latest ms; times must not run backwards")
    }

    private fun isQuiet(label: String) = label == SILENCE || label == UNKNOWN
}
