package org.kws.app

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Process
import android.provider.Settings
import android.view.Menu
import android.view.MenuItem
import org.kws.core.Engine

/** Listens while it is in front; a rotation does not interrupt it, and behind another app the microphone is free. */
class MainActivity : Activity(), ScreenActions {
    lateinit var session: Session
        private set
    private lateinit var screen: Screen
    private var isAsking = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        @Suppress("DEPRECATION") // What took its place is in androidx.
        session = lastNonConfigurationInstance as Session? ?: Session(application as KwsApplication)
        isAsking = state?.getBoolean(ASKING) ?: false
        screen = Screen(this, session, this)
        session.onChange = screen::show
    }

    override fun onStart() {
        super.onStart()
        if (session.model != null && session.isWanted && !isAsking) startOrAsk()
        screen.show()
    }

    override fun onStop() {
        super.onStop()
        if (!isChangingConfigurations) session.stop()
    }

    override fun onDestroy() {
        super.onDestroy()
        session.onChange = {}
        if (!isChangingConfigurations) session.stop()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putBoolean(ASKING, isAsking)
    }

    @Deprecated("What took its place is in androidx.")
    override fun onRetainNonConfigurationInstance(): Any = session

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) {
        isAsking = false
        // Nothing where the question was interrupted.
        session.isRefused = !isAllowed()
        session.isWanted = !session.isRefused
        if (session.isWanted) session.start()
        screen.show()
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        val engines = session.model?.engines?.keys.orEmpty()
        if (engines.size < 2) return false
        val choices = menu.addSubMenu(R.string.engine)
        for (one in engines) choices.add(ENGINES, one.ordinal, one.ordinal, one.title).isChecked = one == session.engine
        choices.setGroupCheckable(ENGINES, true, true)
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        if (item.groupId != ENGINES) return super.onOptionsItemSelected(item)
        session.choose(Engine.entries[item.itemId])
        item.isChecked = true
        screen.show()
        return true
    }

    override fun listenOrPause() {
        session.isWanted = !session.isListening
        if (session.isWanted) startOrAsk() else session.stop()
        screen.show()
    }

    override fun share() {
        val model = session.model ?: return
        val send = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, session.log.toText(model))
        startActivity(Intent.createChooser(send, getString(R.string.share_title)))
    }

    override fun mendProblem() {
        session.isWanted = true
        if (!session.isRefused || canAskAgain()) return startOrAsk().also { screen.show() }
        // Refused for good: only the settings can change it. On coming back, onStart looks again.
        startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
    }

    private fun startOrAsk() {
        if (isAllowed()) {
            session.isRefused = false
            session.start()
        } else if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.M && !(session.isRefused && !canAskAgain())) {
            isAsking = true
            requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO), 1)
        }
    }

    private fun canAskAgain() =
        Build.VERSION.SDK_INT >= Build.VERSION_CODES.M && shouldShowRequestPermissionRationale(Manifest.permission.RECORD_AUDIO)

    private fun isAllowed() =
        checkPermission(Manifest.permission.RECORD_AUDIO, Process.myPid(), Process.myUid()) == PackageManager.PERMISSION_GRANTED

    private companion object {
        const val ASKING = "asking"
        const val ENGINES = 1
    }
}
