/** The library's styles first, and in a layer: ours win, wherever they stand. */
import "@mantine/core/styles.layer.css"
import "./theme.css"
