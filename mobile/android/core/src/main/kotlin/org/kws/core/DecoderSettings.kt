package org.kws.core

const val SILENCE = "_silence_"
const val UNKNOWN = "_unknown_"

/**
 * The settings of the decoder, as kws/streaming/decoder_settings.py has them; names and defaults are the same.
 *
 * @property averageWindowMs scores of this span, both ends included, are averaged; 0 takes each result as it is
 * @property threshold a label is found when its averaged score lies above
 * @property suppressionMs after a label is found, nothing else is until more than this has passed; not after silence
 * @property minimumCount results the window must hold before anything is decided
 * @property strideMs from one window of sound to the next
 * @property wordThresholds thresholds of single labels in place of [threshold]
 * @property consecutiveWindows the label must come out on top, above its threshold, in so many results in a row
 * @property releaseThreshold a word is held until its averaged score falls to this or below; null holds nothing
 * @property repeatWords a word said again is found again without another label between
 * @property repeatHeldMs with [repeatWords], a word whose score never falls is found again each time so much has passed
 * @throws Refused a value out of its range, or settings that together could never find anything
 */
data class DecoderSettings(
    val averageWindowMs: Int = 500,
    val threshold: Double = 0.7,
    val suppressionMs: Int = 1500,
    val minimumCount: Int = 3,
    val strideMs: Int = 30,
    val wordThresholds: Map<String, Double> = emptyMap(),
    val consecutiveWindows: Int = 1,
    val releaseThreshold: Double? = null,
    val repeatWords: Boolean = false,
    val repeatHeldMs: Int? = null,
) {
    init {
        atLeast("average_window_ms", averageWindowMs, 0)
        atLeast("suppression_ms", suppressionMs, 0)
        atLeast("minimum_count", minimumCount, 1)
        atLeast("stride_ms", strideMs, 1)
        atLeast("consecutive_windows", consecutiveWindows, 1)
        repeatHeldMs?.let { atLeast("repeat_held_ms", it, 1) }
        share("threshold", threshold)
        wordThresholds.forEach { (word, value) -> share("word_thresholds.$word", value) }
        releaseThreshold?.let { share("release_threshold", it) }
        checkTogether()
    }

    fun thresholdOf(label: String): Double = wordThresholds[label] ?: threshold

    /** The same with one threshold for every label, as a slider sets it. */
    fun withOneThreshold(value: Double): DecoderSettings =
        copy(threshold = value, wordThresholds = emptyMap(), releaseThreshold = releaseThreshold?.coerceAtMost(value))

    private fun checkTogether() {
        val steps = averageWindowMs / strideMs
        if (minimumCount > steps + 1) {
            throw Refused("minimum_count: $minimumCount given, but a window of $averageWindowMs ms holds ${steps + 1} results")
        }
        if (steps.toLong() * strideMs < averageWindowMs / 4) {
            throw Refused("stride_ms: $strideMs given, but average_window_ms=$averageWindowMs is shorter; nothing would be found")
        }
        if (repeatHeldMs != null && !repeatWords) throw Refused("repeat_held_ms: has no effect while repeat_words is false")
        val lowest = minOf(threshold, wordThresholds.values.minOrNull() ?: 1.0)
        if (releaseThreshold != null && releaseThreshold > lowest) {
            throw Refused("release_threshold: $releaseThreshold given; at most the lowest threshold, $lowest, is expected")
        }
    }

    companion object {
        private val KNOWN = setOf(
            "average_window_ms", "threshold", "suppression_ms", "minimum_count", "stride_ms", "word_thresholds",
            "consecutive_windows", "release_threshold", "repeat_words", "repeat_held_ms",
        )

        /** From the entry `decoder` of a model's metadata; what is missing takes its default. */
        fun from(values: JsonObject): DecoderSettings {
            val strangers = values.names - KNOWN
            if (strangers.isNotEmpty()) throw Refused("decoder settings: ${strangers.joinToString()} unknown to this app; update it")
            val plain = DecoderSettings()
            return DecoderSettings(
                values.int("average_window_ms", plain.averageWindowMs),
                values.number("threshold", plain.threshold),
                values.int("suppression_ms", plain.suppressionMs),
                values.int("minimum_count", plain.minimumCount),
                values.int("stride_ms", plain.strideMs),
                values.objectOrNull("word_thresholds")?.let { words -> words.names.associateWith { words.number(it) } } ?: emptyMap(),
                values.int("consecutive_windows", plain.consecutiveWindows),
                if (values.has("release_threshold")) values.number("release_threshold") else null,
                if (values.has("repeat_words")) values.flag("repeat_words") else plain.repeatWords,
                if (values.has("repeat_held_ms")) values.int("repeat_held_ms") else null,
            )
        }

        private fun atLeast(name: String, value: Int, least: Int) {
            if (value < least) throw Refused("$name: $value given; a whole number of at least $least is expected")
        }

        private fun share(name: String, value: Double) {
            if (!(value in 0.0..1.0)) throw Refused("$name: $value given; a number from 0 to 1 is expected")
        }
    }
}
