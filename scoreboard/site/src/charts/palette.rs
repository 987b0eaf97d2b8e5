//! Colours, on light screens and on dark ones. A colour is found again by its value, so each has
//! one that nothing else has.

use std::fmt::Write;

use plotters::style::RGBColor;

pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(31, 41, 55);
pub(super) const MUTED: RGBColor = RGBColor(100, 112, 128);
pub(super) const RULE: RGBColor = RGBColor(225, 229, 235);
pub(super) const BLUE: RGBColor = RGBColor(29, 95, 168);
pub(super) const PALE: RGBColor = RGBColor(199, 217, 238);
pub(super) const ORANGE: RGBColor = RGBColor(192, 92, 16);
pub(super) const GREEN: RGBColor = RGBColor(26, 122, 76);
pub(super) const RED: RGBColor = RGBColor(183, 40, 46);
pub(super) const VIOLET: RGBColor = RGBColor(112, 72, 168);
pub(super) const BAND: RGBColor = RGBColor(250, 232, 230);
pub(super) const CALM: RGBColor = RGBColor(244, 246, 249);

/// Each colour with what stands for it on a dark screen.
const DARK: [(RGBColor, &str); 12] = [
    (PAPER, "#171c24"),
    (INK, "#e3e8ef"),
    (MUTED, "#97a3b4"),
    (RULE, "#2c3441"),
    (BLUE, "#6cabf0"),
    (PALE, "#2b4568"),
    (ORANGE, "#f0a060"),
    (GREEN, "#5cc494"),
    (RED, "#f08088"),
    (VIOLET, "#b99af0"),
    (BAND, "#3a2529"),
    (CALM, "#1d232d"),
];

/// Marks of one series after another.
pub(super) const SERIES: [RGBColor; 4] = [BLUE, ORANGE, GREEN, VIOLET];

/// Style sheet of a chart. Without it the light colours stand in the elements themselves.
pub(super) fn style() -> String {
    let mut rules = String::from(
        "text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}@media screen and \
         (prefers-color-scheme:dark){",
    );
    for (RGBColor(red, green, blue), dark) in DARK {
        let light = format!("#{red:02X}{green:02X}{blue:02X}");
        // Writing to a string does not fail.
        let _ = write!(rules, "[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}");
    }
    rules + "}"
}
