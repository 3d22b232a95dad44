package safetensors

import "bytes"

const adviceDownload = "download or copy the file again"

// foreign recognises files of other formats under the name of a safetensors file.
func foreign(name string, data []byte) error {
	starts := func(magic string) bool { return bytes.HasPrefix(data, []byte(magic)) }
	switch {
	case starts("version https://git-lfs"):
		return &InputError{Where: name, What: "is a Git LFS pointer, not the weights", Advice: "run git lfs pull in the model's folder"}
	case starts("PK\x03\x04"), starts("\x80\x02"), starts("\x80\x03"), starts("\x80\x04"), starts("\x80\x05"):
		if data[7] == 0 && data[6] == 0 && data[0] == 0x80 { // a header of 640 to 1,408 bytes
			return nil
		}
		return &InputError{Where: name, What: "is a pickle, which is never opened: it can run code", Advice: AdviceConvert}
	case starts("GGUF"):
		return &InputError{Where: name, What: "is a GGUF file, made for inference", Advice: "give the safetensors that it was made from"}
	case starts("<!DOCTYPE"), starts("<!doctype"), starts("<html"):
		return &InputError{Where: name, What: "is a web page, not the weights", Advice: adviceDownload}
	}
	return nil
}

// AdviceConvert says how to come from a pickle to safetensors.
const AdviceConvert = "convert it where you trust it: transformers' from_pretrained, then save_pretrained, which writes safetensors"
