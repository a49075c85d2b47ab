package org.kws.app

import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.security.MessageDigest
import org.kws.core.ModelDescription
import org.kws.core.ModelFile
import org.kws.core.Refused

/** The model in the app's assets. */
class ModelAssets(private val app: KwsApplication) {
    /**
     * What it is.
     *
     * @throws Refused there is none, or none that this app can serve; says why
     */
    fun describe(): ModelDescription = ModelDescription.parse(text(ModelDescription.MANIFEST))

    /**
     * As a file, which is what the runtimes load; compared with the sum that the export wrote down.
     *
     * @throws Refused it is missing, or another one
     */
    fun unpack(model: ModelFile): File {
        val folder = File(app.noBackupFilesDir, "model")
        val file = File(folder, model.file)
        if (file.isFile && file.length() == model.bytes && sum(file) == model.sha256) return file
        folder.deleteRecursively()
        val part = File(folder, ".part-${model.file}")
        if (!folder.mkdirs()) throw Refused("$folder: can't be made; free some space, and try again")
        reading(model.file) { app.openAsset(model.file).use { from -> part.outputStream().use { from.copyTo(it) } } }
        if (sum(part) != model.sha256) {
            part.delete()
            throw Refused("${model.file}: is not the file that was exported with ${ModelDescription.MANIFEST}; export the model again")
        }
        if (!part.renameTo(file)) throw Refused("$file: can't be written; free some space, and try again")
        return file
    }

    private fun text(name: String) = reading(name) { app.openAsset(name).bufferedReader().use { it.readText() } }

    private fun sum(file: File): String {
        val digest = MessageDigest.getInstance("SHA-256")
        file.inputStream().use { from ->
            val chunk = ByteArray(1 shl 16)
            while (true) {
                val count = from.read(chunk)
                if (count < 0) break
                digest.update(chunk, 0, count)
            }
        }
        return digest.digest().joinToString("") { "%02x".format(it) }
    }

    private fun <T> reading(name: String, read: () -> T): T = try {
        read()
    } catch (error: FileNotFoundException) {
        throw Refused("$name: not in the assets; put a model there with kws export CKPT --to mobile --android mobile/android", error)
    } catch (error: IOException) {
        throw Refused("$name: can't be read (${error.message}); free some space, or install the app again", error)
    }
}
