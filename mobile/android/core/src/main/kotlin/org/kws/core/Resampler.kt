package org.kws.core

/**
 * Sound at another rate, as it streams by: windowed sinc, one filter a phase. For microphones that refuse the model's rate.
 *
 * The output begins with the input: sample n lies at n / [toHz] seconds. Chunks of any size give the same samples.
 */
class Resampler(private val fromHz: Int, private val toHz: Int) {
    private val divisor = gcd(fromHz, toHz)
    private val up = toHz / divisor
    private val down = fromHz / divisor
    private val cutoff = PASSED * minOf(1.0, toHz.toDouble() / fromHz)
    private val reach = Math.ceil(LOBES / cutoff).toInt()
    private val filters = Array(up) { phase -> filter(phase.toDouble() / up) }

    // The last 2 * reach input samples, zeros before the stream; each twice, so that a filter reads them in one row.
    private val history = FloatArray(4 * reach)
    private var place = 0

    // The next output lies between two inputs: so many inputs ahead of the newest, and so many `up`-ths beyond.
    private var ahead = reach + 1
    private var phase = 0

    /** Take in samples; the first [count] of [samples] give so many at the other rate. */
    fun process(samples: ShortArray, count: Int): ShortArray {
        val made = ShortArray((count.toLong() * up / down).toInt() + 2)
        var size = 0
        for (i in 0 until count) {
            push(Pcm.toFloat(samples[i]))
            while (ahead == 0) {
                made[size++] = Pcm.toShort(filtered())
                phase += down
                ahead = phase / up
                phase %= up
            }
        }
        return made.copyOf(size)
    }

    private fun push(sample: Float) {
        history[place] = sample
        history[place + 2 * reach] = sample
        place = (place + 1) % (2 * reach)
        ahead--
    }

    private fun filtered(): Float {
        val taps = filters[phase]
        var sum = 0f
        for (i in taps.indices) sum += taps[i] * history[place + i]
        return sum
    }

    /** For an output `fraction` of an input sample after the one in the middle; sums to 1, so that a constant stays one. */
    private fun filter(fraction: Double): FloatArray {
        val taps = DoubleArray(2 * reach) { i ->
            val x = i - (reach - 1) - fraction
            sinc(x * cutoff) * hann(x / reach)
        }
        val sum = taps.sum()
        return FloatArray(taps.size) { (taps[it] / sum).toFloat() }
    }

    private companion object {
        const val LOBES = 16
        const val PASSED = 0.95

        fun sinc(x: Double): Double = if (x == 0.0) 1.0 else Math.sin(Math.PI * x) / (Math.PI * x)

        fun hann(x: Double): Double = if (Math.abs(x) >= 1) 0.0 else 0.5 + 0.5 * Math.cos(Math.PI * x)

        tailrec fun gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)
    }
}
