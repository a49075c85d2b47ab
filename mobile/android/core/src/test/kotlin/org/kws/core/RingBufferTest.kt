package org.kws.core

import java.util.Random
import java.util.concurrent.atomic.AtomicReference
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class RingBufferTest {
    @Test
    fun anyChunkingGivesEverySampleInOrderOrCountsIt() {
        val random = Random(0)
        repeat(300) {
            val ring = RingBuffer(1 + random.nextInt(50))
            var next = 0
            var expected = 0L
            repeat(60) {
                val chunk = ShortArray(random.nextInt(30)) { next++.toShort() }
                ring.write(chunk, chunk.size)
                if (random.nextBoolean() && chunk.isNotEmpty()) expected = readOne(ring, ShortArray(1 + random.nextInt(70)), expected)
            }
            ring.close()
            val into = ShortArray(7)
            while (expected < next) expected = readOne(ring, into, expected)
            assertEquals(RingBuffer.END, ring.read(into))
        }
    }

    private fun readOne(ring: RingBuffer, into: ShortArray, expected: Long): Long {
        val count = ring.read(into)
        if (count < RingBuffer.END) return expected + RingBuffer.lost(count)
        for (i in 0 until count.toInt()) assertEquals((expected + i).toShort(), into[i])
        return expected + count
    }

    @Test
    fun afterAnOverrunItGoesOnWithWhatIsNewest() {
        val ring = RingBuffer(4)
        ring.write(shortArrayOf(1, 2, 3, 4, 5), 5)
        val into = ShortArray(4)
        assertEquals(5, RingBuffer.lost(ring.read(into)))
        ring.write(shortArrayOf(6, 7, 8, 9), 4)
        assertEquals(4, ring.read(into))
        assertArrayEquals(shortArrayOf(6, 7, 8, 9), into)
    }

    @Test
    fun exactlyFullIsNoOverrun() {
        val ring = RingBuffer(3)
        ring.write(shortArrayOf(1, 2, 3), 3)
        assertEquals(3, ring.read(ShortArray(8)))
    }

    @Test
    fun closingWakesTheReader() {
        val ring = RingBuffer(3)
        val found = AtomicReference<Long>()
        val reader = Thread { found.set(ring.read(ShortArray(1))) }
        reader.start()
        ring.close()
        reader.join(10_000)
        assertEquals(RingBuffer.END, found.get())
    }
}
