package org.kws.app

import android.content.Context
import android.util.AttributeSet
import android.view.View
import android.view.ViewGroup

/** Tiles of one size in as many columns as suit; they share the height where there is some left, and scroll where not. */
class TileGrid(context: Context, attributes: AttributeSet?) : ViewGroup(context, attributes) {
    private val density = resources.displayMetrics.density
    private var columns = 1
    private var tileWidth = 0
    private var tileHeight = 0

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val width = MeasureSpec.getSize(widthSpec)
        // A larger font takes wider tiles.
        val least = (LEAST_WIDTH_DP * density * resources.configuration.fontScale).toInt()
        columns = (width / maxOf(least, 1)).coerceIn(1, MOST_COLUMNS).coerceAtMost(maxOf(childCount, 1))
        val rows = (childCount + columns - 1) / columns
        tileWidth = width / columns
        val offered = if (MeasureSpec.getMode(heightSpec) == MeasureSpec.UNSPECIFIED) 0 else MeasureSpec.getSize(heightSpec)
        val lowest = (LEAST_HEIGHT_DP * density * resources.configuration.fontScale).toInt()
        tileHeight = (offered / maxOf(rows, 1)).coerceIn(lowest, maxOf(lowest, (MOST_HEIGHT_DP * density).toInt()))
        for (i in 0 until childCount) {
            getChildAt(i).measure(
                MeasureSpec.makeMeasureSpec(tileWidth, MeasureSpec.EXACTLY), MeasureSpec.makeMeasureSpec(tileHeight, MeasureSpec.EXACTLY),
            )
        }
        setMeasuredDimension(width, maxOf(rows * tileHeight, offered))
    }

    override fun onLayout(changed: Boolean, left: Int, top: Int, right: Int, bottom: Int) {
        for (i in 0 until childCount) {
            val column = i % columns
            val x = (if (layoutDirection == View.LAYOUT_DIRECTION_RTL) columns - 1 - column else column) * tileWidth
            val y = i / columns * tileHeight
            getChildAt(i).layout(x, y, x + tileWidth, y + tileHeight)
        }
    }

    private companion object {
        const val LEAST_WIDTH_DP = 100
        const val LEAST_HEIGHT_DP = 64
        const val MOST_HEIGHT_DP = 120
        const val MOST_COLUMNS = 6
    }
}
