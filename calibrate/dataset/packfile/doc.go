// Package packfile keeps packed rows on disk, between who packs and who trains.
//
// Package dataset fills a Pack with the rows that every arm trains on and Write makes a
// safetensors file of it, whole or not at all. An engine takes it back by Read, trains on
// the rows of an epoch in the Order that follows from a seed, and measures on the held-out
// ones. Nothing here knows what was in the data, so an engine links no reader of formats.
package packfile
