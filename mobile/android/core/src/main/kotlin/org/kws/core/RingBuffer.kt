package org.kws.core

/**
 * Samples between the thread that records and the one that scores. Who writes never waits; who reads too late finds a gap:
 * it goes on with what is newest, and is told how much was lost.
 *
 * @param capacity samples that are kept for the reader
 */
class RingBuffer(private val capacity: Int) {
    private val lock = Object()
    private val held = ShortArray(capacity)
    private var written = 0L
    private var read = 0L
    private var isClosed = false

    init {
        require(capacity > 0) { "capacity: $capacity given; at least 1 sample is expected" }
    }

    /** Append samples; those that nobody read in time are written over. */
    fun write(samples: ShortArray, count: Int) = synchronized(lock) {
        require(count in 0..samples.size) { "count: $count given for ${samples.size} samples" }
        for (first in maxOf(0, count - capacity) until count) held[((written + first) % capacity).toInt()] = samples[first]
        written += count
        lock.notifyAll()
    }

    /** Nothing more will be written: a reader gets what is left, then [END]. */
    fun close() = synchronized(lock) {
        isClosed = true
        lock.notifyAll()
    }

    /**
     * Wait for samples, and take what fits.
     *
     * @return how many are at the front of [into]; [END] after the last; or below [END], -2 - n: n samples were lost here
     */
    fun read(into: ShortArray): Long = synchronized(lock) {
        while (read == written && !isClosed) lock.wait()
        val waiting = written - read
        if (waiting == 0L) return END
        if (waiting > capacity) {
            read = written
            return END - 1 - waiting
        }
        val count = minOf(waiting, into.size.toLong()).toInt()
        for (i in 0 until count) into[i] = held[((read + i) % capacity).toInt()]
        read += count
        return count.toLong()
    }

    companion object {
        const val END = -1L

        /** The samples lost, if a result of [read] says so, or else 0. */
        fun lost(result: Long): Long = if (result < END) END - 1 - result else 0
    }
}
