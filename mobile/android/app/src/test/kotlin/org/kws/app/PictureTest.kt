package org.kws.app

import android.Manifest
import android.app.Application
import android.graphics.Bitmap
import android.graphics.Canvas
import android.os.Looper
import java.io.File
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Draws the screen to target/pictures; docs/pictures/android.png is made of these. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestApplication::class, sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PictureTest {
    private val app = RuntimeEnvironment.getApplication() as TestApplication

    @Test
    @Config(qualifiers = "w360dp-h720dp-xhdpi")
    fun light() = draw("light")

    @Test
    @Config(qualifiers = "w360dp-h720dp-night-xhdpi")
    fun dark() = draw("dark")

    @Test
    @Config(qualifiers = "w720dp-h360dp-land-xhdpi")
    fun landscape() = draw("landscape")

    private fun draw(name: String) {
        app.use(listOf("yes", "no", "up", "down", "left", "right", "stop", "go"))
        shadowOf(app as Application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        val controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        val activity = controller.get()
        for (top in listOf(8, 6)) {
            app.scores = FloatArray(10) { if (it == top) 0.87f else floatArrayOf(0.01f, 0.04f, 0.02f, 0.03f)[it % 4] }
            app.microphone.give(1030)
            val end = System.nanoTime() + 20_000_000_000
            while (top !in activity.session.litAt && System.nanoTime() < end) {
                Thread.sleep(2)
                shadowOf(Looper.getMainLooper()).idle()
            }
            assertTrue(top in activity.session.litAt)
            // The one before has faded.
            if (top == 8) shadowOf(Looper.getMainLooper()).idleFor(java.time.Duration.ofSeconds(3))
        }
        val view = activity.window.decorView
        val picture = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(picture))
        val file = File(System.getProperty("kws.pictures"), "$name.png")
        file.parentFile?.mkdirs()
        file.outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
        assertTrue(view.width > 0 && file.length() > 10_000)
        controller.pause().stop().destroy()
    }
}
