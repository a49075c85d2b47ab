package org.kws.app

import android.Manifest
import android.app.Application
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Looper
import android.view.View
import android.widget.Button
import android.widget.SeekBar
import android.widget.Switch
import android.widget.TextView
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.kws.core.Engine
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(application = TestApplication::class, sdk = [35])
class ScreenTest {
    private val app = RuntimeEnvironment.getApplication() as TestApplication
    private lateinit var controller: ActivityController<MainActivity>
    private var isOpen = false
    private val activity: MainActivity get() = controller.get()
    private val tiles: TileGrid get() = activity.findViewById(R.id.tiles)

    private fun open(isAllowed: Boolean = true) {
        if (isAllowed) shadowOf(app as Application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        isOpen = true
    }

    @After
    fun close() {
        if (isOpen) controller.pause().stop().destroy()
        isOpen = false
    }

    private fun awaitTrue(what: () -> Boolean) {
        val end = System.nanoTime() + 20_000_000_000
        while (!what() && System.nanoTime() < end) {
            Thread.sleep(2)
            shadowOf(Looper.getMainLooper()).idle()
        }
        assertTrue(what())
    }

    private fun text(id: Int) = activity.findViewById<TextView>(id).text.toString()

    private fun isShown(id: Int) = activity.findViewById<View>(id).visibility == View.VISIBLE

    private fun tile(title: String) = (0 until tiles.childCount).map { tiles.getChildAt(it) as TileView }.first { it.title == title }

    private fun hear(vararg scores: Float) {
        app.scores = scores
        app.microphone.give(1030)
    }

    @Test
    fun aDetectionLightsItsTileAndIsLogged() {
        app.use(listOf("yes", "no"))
        open()
        hear(0.1f, 0f, 0.8f, 0.1f)
        awaitTrue { tile("yes").glow == 1f }
        assertEquals(listOf(0.1f, 0f, 0.8f, 0.1f), listOf("silence", "unknown", "yes", "no").map { tile(it).score })
        assertEquals(0f, tile("no").glow, 0f)
        assertTrue(text(R.id.log), Regex("\\d\\d:\\d\\d:\\d\\d {2}yes {2}0\\.800").matches(text(R.id.log)))
        assertTrue(text(R.id.window_line), text(R.id.window_line).endsWith("ms a window of 1000 ms, every 30 ms"))
        assertEquals("Nothing dropped", text(R.id.drops_line))
        assertEquals("best · PyTorch Mobile · 16000 Hz", text(R.id.model_line))
        assertEquals("yes, 80 percent", tile("yes").createAccessibilityNodeInfo().contentDescription)
        shadowOf(Looper.getMainLooper()).idleFor(java.time.Duration.ofSeconds(2))
        assertEquals(0f, tile("yes").glow, 0f)
        activity.findViewById<Button>(R.id.share).performClick()
        val sent = shadowOf(activity).nextStartedActivity.extras?.getParcelable(Intent.EXTRA_INTENT, Intent::class.java)
        assertTrue(sent?.getStringExtra(Intent.EXTRA_TEXT).orEmpty().contains("yes\t0.800\n"))
    }

    @Test
    fun thePermissionIsAskedForAndWithoutItTheMicrophoneStaysShut() {
        app.use(listOf("yes"))
        open(isAllowed = false)
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.RECORD_AUDIO), asked.requestedPermissions.toList())
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(PackageManager.PERMISSION_DENIED))
        assertTrue(text(R.id.problem_text).startsWith("The microphone is refused"))
        assertEquals("Allow the microphone", text(R.id.problem_button))
        assertFalse(activity.findViewById<Button>(R.id.listen).isEnabled)
        controller.recreate()
        assertTrue(isShown(R.id.problem))
        assertEquals(0, app.microphone.opened.get())
        // Refused for good: the button leads to the settings; on coming back with the permission it listens.
        activity.findViewById<Button>(R.id.problem_button).performClick()
        assertEquals(android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS, shadowOf(activity).nextStartedActivity.action)
        controller.pause().stop()
        shadowOf(app as Application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        controller.restart().start().resume()
        awaitTrue { app.microphone.isOpen }
        assertFalse(isShown(R.id.problem))
    }

    @Test
    fun thePermissionGrantedItListens() {
        app.use(listOf("yes"))
        open(isAllowed = false)
        shadowOf(app as Application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.RECORD_AUDIO), intArrayOf(PackageManager.PERMISSION_GRANTED))
        awaitTrue { app.microphone.isOpen }
    }

    @Test
    fun aRotationDoesNotInterruptTheMicrophone() {
        app.use(listOf("yes", "no"))
        open()
        hear(0f, 0f, 0.9f, 0f)
        awaitTrue { tile("yes").glow == 1f }
        val (before, session) = activity to activity.session
        RuntimeEnvironment.setQualifiers("+land")
        controller.recreate()
        assertTrue(before !== activity)
        assertSame(session, activity.session)
        assertEquals(1f, tile("yes").glow, 0f)
        hear(0f, 0f, 0f, 0.9f)
        awaitTrue { tile("no").glow == 1f }
        assertEquals(listOf(1, 0), listOf(app.microphone.opened.get(), app.microphone.closed.get()))
    }

    @Test
    fun behindAnotherAppTheMicrophoneIsFreeAndInFrontItListensAgain() {
        app.use(listOf("yes"))
        open()
        awaitTrue { app.microphone.isOpen }
        controller.pause().stop()
        awaitTrue { !app.microphone.isOpen }
        controller.restart().start().resume()
        awaitTrue { app.microphone.opened.get() == 2 }
        hear(0f, 0f, 0.9f)
        awaitTrue { tile("yes").glow == 1f }
        // Paused by hand, it stays so.
        activity.findViewById<Button>(R.id.listen).performClick()
        awaitTrue { !app.microphone.isOpen }
        controller.pause().stop().restart().start().resume()
        assertFalse(activity.session.isListening)
        assertEquals("Listen", text(R.id.listen))
    }

    @Test
    fun brokenAssetsAreRefusedOnScreenWithTheReason() {
        open()
        assertTrue(text(R.id.problem_text).contains("model.json: not in the assets; put a model there with kws export"))
        assertFalse(isShown(R.id.controls))
        assertEquals(0, app.microphone.opened.get())
    }

    @Test
    fun aModelOfAnotherRateIsRefusedOnScreen() {
        app.use(listOf("yes"))
        app.assets["model.json"] = String(app.assets.getValue("model.json")).replace("16000,", "192000,").toByteArray()
        open()
        assertTrue(text(R.id.problem_text), text(R.id.problem_text).contains("rate_hz 192000; this app serves 4000..48000 Hz"))
    }

    @Test
    fun aFileThatIsNotTheExportedOneEndsListeningWithTheReason() {
        app.use(listOf("yes"))
        app.assets["model.0"] = "another".toByteArray()
        open()
        awaitTrue { isShown(R.id.problem) }
        assertTrue(text(R.id.problem_text), text(R.id.problem_text).contains("model.0: is not the file that was exported"))
        assertEquals(0, app.microphone.opened.get())
        app.use(listOf("yes"))
        activity.findViewById<Button>(R.id.problem_button).performClick()
        awaitTrue { app.microphone.isOpen }
        assertFalse(isShown(R.id.problem))
    }

    @Test
    fun aModelOfOneWordAndOneOf33() {
        for (words in listOf(listOf("yes"), List(33) { "word$it" })) {
            app.use(words)
            open()
            assertEquals(words.size + 2, tiles.childCount)
            val places = (0 until tiles.childCount).map { tiles.getChildAt(it) }.map { it.left to it.top }
            assertEquals(places.toSet().size, places.size)
            assertTrue((0 until tiles.childCount).all { tiles.getChildAt(it).width > 0 && tiles.getChildAt(it).bottom <= tiles.height })
            hear(*FloatArray(words.size + 2) { if (it == words.size + 1) 0.9f else 0f })
            awaitTrue { tile(words.last()).glow == 1f }
            close()
            awaitTrue { !app.microphone.isOpen }
        }
    }

    @Test
    fun theSliderTakesThePlaceOfTheModelsOwnSettings() {
        app.use(listOf("yes"))
        open()
        val own = activity.findViewById<Switch>(R.id.own_settings)
        assertTrue(own.isChecked)
        assertEquals("Threshold 60 %", text(R.id.threshold_line))
        hear(0f, 0f, 0.5f)
        awaitTrue { tile("yes").score == 0.5f }
        assertEquals(0f, tile("yes").glow, 0f)
        val bar = activity.findViewById<SeekBar>(R.id.threshold)
        bar.progress = 40
        shadowOf(bar).onSeekBarChangeListener.onProgressChanged(bar, 40, true)
        assertFalse(own.isChecked)
        assertEquals("Threshold 40 %", text(R.id.threshold_line))
        app.microphone.give(300)
        awaitTrue { tile("yes").glow == 1f }
        own.performClick()
        assertEquals("Threshold 60 %", text(R.id.threshold_line))
    }

    @Test
    fun theChosenThresholdOutlivesTheProcess() {
        app.use(listOf("yes"))
        open()
        activity.session.choose(false, 35)
        close()
        // Nothing is handed over, as after the end of the process: what is shown comes from the phone's store.
        open()
        assertFalse(activity.findViewById<Switch>(R.id.own_settings).isChecked)
        assertEquals("Threshold 35 %", text(R.id.threshold_line))
        assertEquals(35, activity.findViewById<SeekBar>(R.id.threshold).progress)
        hear(0f, 0f, 0.4f)
        awaitTrue { tile("yes").glow == 1f }
        close()
        // Another model, or one tuned again, begins with its own settings.
        app.use(listOf("yes"), decoder = TestApplication.PLAIN.replace("0.6", "0.55"))
        open()
        assertTrue(activity.findViewById<Switch>(R.id.own_settings).isChecked)
        assertEquals("Threshold 55 %", text(R.id.threshold_line))
    }

    @Test
    fun theModelsTunedSettingsDecode() {
        app.use(listOf("yes", "no"), decoder = TestApplication.PLAIN.replace("}", """, "word_thresholds": {"yes": 0.9}}"""))
        open()
        assertEquals("Threshold 60 %, some words their own", text(R.id.threshold_line))
        hear(0f, 0f, 0.8f, 0f)
        awaitTrue { tile("yes").score == 0.8f }
        hear(0f, 0f, 0f, 0.8f)
        awaitTrue { tile("no").glow == 1f }
        assertEquals(0f, tile("yes").glow, 0f)
        hear(0f, 0f, 0.95f, 0f)
        awaitTrue { tile("yes").glow == 1f }
    }

    @Test
    fun lostSoundIsShownBeforeTheNextWindow() {
        app.use(listOf("yes"))
        open()
        val (begun, goOn) = CountDownLatch(1) to CountDownLatch(1)
        app.onScore = {
            begun.countDown()
            goOn.await()
        }
        app.microphone.give(1030)
        assertTrue(begun.await(20, TimeUnit.SECONDS))
        // More than waits, while the engine holds everything up.
        app.microphone.give(2500)
        awaitTrue { app.microphone.isEmpty }
        val scored = app.scored.get()
        goOn.countDown()
        awaitTrue { text(R.id.drops_line).startsWith("1 buffer dropped, ") }
        assertTrue("${app.scored.get() - scored} windows since", app.scored.get() - scored <= 2)
    }

    @Test
    fun theOtherEngineTakesOver() {
        app.use(listOf("yes"), Engine.PYTORCH, Engine.ONNX_RUNTIME)
        open()
        awaitTrue { app.microphone.opened.get() == 1 }
        activity.session.choose(Engine.ONNX_RUNTIME)
        awaitTrue { app.microphone.opened.get() == 2 && app.microphone.closed.get() == 1 }
        assertEquals(listOf(Engine.PYTORCH, Engine.ONNX_RUNTIME), app.engines)
    }

    @Test
    fun theOnlyPermissionIsTheMicrophone() {
        val flags = PackageManager.PackageInfoFlags.of(PackageManager.GET_PERMISSIONS.toLong())
        val wanted = app.packageManager.getPackageInfo(app.packageName, flags)
        assertEquals(listOf(Manifest.permission.RECORD_AUDIO), wanted.requestedPermissions?.toList())
    }
}
