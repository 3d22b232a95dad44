package dataset

func newParquet(st *stream, limit int) (reader, error) {
	return nil, refuse(st.source.path, "Parquet cannot be read", "")
}
