// Package chart turns numbers into the geometry of a picture, and knows nothing of
// HTML: the report's templates print it as SVG.
//
//  1. A plot comes in: Lines, Intervals, Bars, Swings or a Map, in data units.
//  2. Draw lays it out for a width in pixels.
//  3. A Chart goes out: paths and texts with coordinates and classes, colours being
//     the style sheet's affair, so that one picture serves dark, light and print.
//
// Values that are not finite are left out, never drawn. The same plot drawn at two
// widths serves a desk and a phone, since scaling one picture makes its text unreadable.
package chart
