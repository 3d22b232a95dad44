// Package parquet reads the records of a Parquet file, one after another.
//
//  1. Open reads the file's end: schema, row groups, and the writer's notes (Thrift's
//     compact protocol, as parquet.thrift of the format's specification numbers it).
//  2. Each leaf of the schema has a column that reads page by page: unpacked by snappy,
//     gzip, brotli, LZ4 or zstd, its levels and values decoded as they are asked for.
//  3. Next puts one record together of its columns, by the levels that say where a list
//     goes on and where something is missing (Melnik et al. 2010, "Dremel"). Text comes
//     out as text, everything else as JSON.
//
// Memory is bounded by a page of each column. A file may be damaged or hostile: nothing
// is allocated because a number in it says so, and whatever does not fit together is an
// error. The library of Apache Arrow was dropped for what it links: it made up half of
// the program, kernels and a remote-call stack that reading needs not.
package parquet
