plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "org.kws.app"
    compileSdk = 34

    defaultConfig {
        applicationId = "org.kws.app"
        minSdk = 21
        targetSdk = 34
        versionCode = 1
        versionName = "1.0"
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64") }
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions {
        jvmTarget = "1.8"
        allWarningsAsErrors = true
    }
    androidResources { noCompress += listOf("ptl", "onnx") }
    packaging { jniLibs { pickFirsts += "**/libc++_shared.so" } }
    // The Robolectric tests in src/test are Maven's (make android-test).
    sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())
}

dependencies {
    implementation(project(":core"))
    implementation("org.pytorch:pytorch_android_lite:2.1.0")
    implementation("com.microsoft.onnxruntime:onnxruntime-android:1.20.0")
}
