package org.kws.core

import java.util.concurrent.atomic.AtomicReference

/** What a [Listener] tells of, on its own threads. */
interface ListenerEvents {
    /** A window was scored, which took [scoringNanos]. */
    fun onResult(result: Result, scoringNanos: Long)

    /** Scoring fell behind: [samples] were lost; [overruns] such gaps since the start. */
    fun onOverrun(samples: Long, overruns: Int)

    /** It ended: the microphone's end, a stop, or an error, which is given. */
    fun onEnd(error: Exception?)
}

/**
 * Listens: one thread reads the microphone, one scores, with a [RingBuffer] between. Used once.
 *
 * @param bufferMs sound that may wait to be scored
 */
class Listener(
    private val model: ModelDescription,
    private val openScorer: () -> Scorer,
    private val microphone: Microphone,
    private val events: ListenerEvents,
    bufferMs: Int = DEFAULT_BUFFER_MS,
) {
    private val ring = RingBuffer((model.rateHz.toLong() * bufferMs / 1000).toInt())
    private val reader = Thread({ readAll() }, "kws-microphone")
    private val worker = Thread({ scoreAll() }, "kws-scorer")
    @Volatile private var isStopping = false
    @Volatile private var failure: Exception? = null
    private val wanted = AtomicReference<DecoderSettings?>()

    /** Load the model, then listen; what goes wrong comes as `onEnd`. */
    fun start() = worker.start()

    /** Decode from the next samples on with other settings, of the same stride. */
    fun use(settings: DecoderSettings) {
        wanted.set(settings)
    }

    /** Ask both threads to end; returns at once, `onEnd` follows. May be called from any thread, any number of times. */
    fun stop() {
        isStopping = true
        ring.close()
    }

    /** Wait until both threads have ended. */
    fun join() {
        worker.join()
        reader.join()
    }

    private fun readAll() {
        try {
            microphone.use {
                it.open()
                val resampler = if (it.rateHz == model.rateHz) null else Resampler(it.rateHz, model.rateHz)
                val chunk = ShortArray(maxOf(1, it.rateHz / CHUNKS_A_SECOND))
                while (!isStopping) {
                    val count = it.read(chunk)
                    if (count <= 0) break
                    val samples = resampler?.process(chunk, count) ?: chunk
                    ring.write(samples, if (resampler == null) count else samples.size)
                }
            }
        } catch (error: Exception) {
            failure = error
        }
        ring.close()
    }

    private fun scoreAll() {
        try {
            openScorer().use {
                reader.start()
                score(it)
            }
        } catch (error: Exception) {
            failure = failure ?: error
        }
        stop()
        events.onEnd(failure)
    }

    private fun score(scorer: Scorer) {
        var nanos = 0L
        val timed = object : Scorer by scorer {
            override fun score(clip: FloatArray): FloatArray {
                val before = System.nanoTime()
                return scorer.score(clip).also { nanos = System.nanoTime() - before }
            }
        }
        val spotter = Spotter(model, timed) { events.onResult(it, nanos) }
        val chunk = ShortArray(maxOf(1, model.rateHz / CHUNKS_A_SECOND))
        var overruns = 0
        while (!isStopping) {
            wanted.getAndSet(null)?.let { spotter.use(it) }
            val count = ring.read(chunk)
            when {
                count >= 0 -> spotter.feed(chunk, count.toInt())
                count == RingBuffer.END -> break
                else -> {
                    spotter.skip(RingBuffer.lost(count))
                    events.onOverrun(RingBuffer.lost(count), ++overruns)
                }
            }
        }
        if (!isStopping && failure == null) spotter.flush()
    }

    companion object {
        /** Two seconds: a pause of the collector passes, and what is shown is never older. */
        const val DEFAULT_BUFFER_MS = 2000
        private const val CHUNKS_A_SECOND = 50
    }
}
