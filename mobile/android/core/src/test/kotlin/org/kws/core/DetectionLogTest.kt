package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Test

class DetectionLogTest {
    @Test
    fun keepsTheLatestAndSaysWhatItDropped() {
        val log = DetectionLog(2)
        for (i in 1..3) log.add("12:00:0$i", Detection("yes", 1000L * i, 0.5f + 0.1f * i))
        assertEquals(listOf("12:00:03  yes  0.800", "12:00:02  yes  0.700"), log.latest(5))
        assertEquals(
            "kws, model small: 2 detections (1 older ones dropped)\nclock\tstream_ms\tlabel\tscore\n" +
                "12:00:02\t2000\tyes\t0.700\n12:00:03\t3000\tyes\t0.800\n",
            log.toText(smallModel()),
        )
    }
}
