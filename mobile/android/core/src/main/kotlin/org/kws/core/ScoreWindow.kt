package org.kws.core

/**
 * A sliding window over scores and their mean: kws/streaming/score_window.py.
 *
 * @param labels scores in a result
 * @param windowMs results older than the latest by more than this are dropped
 * @param minimumCount with fewer results there is no mean
 */
internal class ScoreWindow(private val labels: Int, private val windowMs: Int, private val minimumCount: Int) {
    private val youngestMs = windowMs / 4
    private var times = LongArray(FIRST_CAPACITY)
    private var rows = Array(FIRST_CAPACITY) { FloatArray(labels) }
    private var start = 0
    private var count = 0
    private val mean = FloatArray(labels)

    fun clear() {
        start = 0
        count = 0
    }

    /** Take in a result; the mean (valid until the next call), or null while there is too little to average. */
    fun add(scores: FloatArray, timeMs: Long): FloatArray? {
        if (count == times.size) grow()
        val slot = (start + count++) % times.size
        times[slot] = timeMs
        scores.copyInto(rows[slot])
        while (count > 0 && times[start] < timeMs - windowMs) {
            start = (start + 1) % times.size
            count--
        }
        if (count < minimumCount || timeMs - times[start] < youngestMs) return null
        // Each divided, then summed from the oldest on, all in single precision: bit for bit the original's mean.
        mean.fill(0f)
        for (i in 0 until count) {
            val row = rows[(start + i) % times.size]
            for (label in 0 until labels) mean[label] += row[label] / count.toFloat()
        }
        return mean
    }

    private fun grow() {
        val order = List(count) { (start + it) % times.size }
        val spare = Array(count) { FloatArray(labels) }
        times = LongArray(2 * count) { if (it < count) times[order[it]] else 0 }
        rows = Array(2 * count) { if (it < count) rows[order[it]] else spare[it - count] }
        start = 0
    }

    private companion object {
        const val FIRST_CAPACITY = 64
    }
}
