package shim

// #include "shim.h"
import "C"

import (
	"unsafe"

	"github.com/sugarme/gotch/libtch"
)

// Zeros makes a tensor of zeros.
func (a *Arena) Zeros(dtype DType, size ...int64) Tensor {
	return a.lib("zeros", func(out *libtch.Ctensor) {
		libtch.AtgZeros(out, size, len(size), int32(dtype), a.libDevice())
	})
}

// Empty makes a tensor with undefined values.
func (a *Arena) Empty(dtype DType, size ...int64) Tensor {
	return a.lib("empty", func(out *libtch.Ctensor) {
		libtch.AtgEmpty(out, size, len(size), int32(dtype), a.libDevice())
	})
}

// Narrow views length elements of one dimension, from start on.
func (a *Arena) Narrow(t Tensor, dim, start, length int64) Tensor {
	return a.lib("narrow", func(out *libtch.Ctensor) { libtch.AtgNarrow(out, t.lib(), dim, start, length) })
}

// View views t with another size.
func (a *Arena) View(t Tensor, size ...int64) Tensor {
	return a.lib("view", func(out *libtch.Ctensor) { libtch.AtgView(out, t.lib(), size, len(size)) })
}

// ViewAs views contiguous t's bytes as elements of another type.
func (a *Arena) ViewAs(t Tensor, dtype DType) Tensor {
	return a.lib("view as", func(out *libtch.Ctensor) { libtch.AtgViewDtype(out, t.lib(), int32(dtype)) })
}

// Transpose2 is a two-dimensional tensor's transpose, copied to be contiguous.
func (a *Arena) Transpose2(t Tensor) Tensor {
	turned := a.lib("transpose", func(out *libtch.Ctensor) { libtch.AtgT(out, t.lib()) })
	copied := a.lib("contiguous", func(out *libtch.Ctensor) { libtch.AtgContiguous(out, turned.lib()) })
	a.Drop(turned)
	return copied
}

// Strided views t's storage with size and stride from an offset after t's own.
func (a *Arena) Strided(t Tensor, size, stride []int64, offset int64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("strided view", C.fta_as_strided(t.p, ints(size), ints(stride), C.int(len(size)), C.int64_t(offset), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Alike views other as view views of, which has other's shape.
func (a *Arena) Alike(view, of, other Tensor) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("view", C.fta_view_alike(view.p, of.p, other.p, &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Cast copies t to another element type; of the same type it is a view.
func (a *Arena) Cast(t Tensor, dtype DType) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("cast", C.fta_to_dtype(t.p, C.int(dtype), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// FromBytes copies host memory to the device.
func (a *Arena) FromBytes(data []byte, dtype DType, size ...int64) Tensor {
	return a.fromHost(unsafe.Pointer(unsafe.SliceData(data)), dtype, size)
}

// FromInt64 copies integers to the device.
func (a *Arena) FromInt64(data []int64, size ...int64) Tensor {
	return a.fromHost(unsafe.Pointer(unsafe.SliceData(data)), Int64, size)
}

// FromInt32 copies integers to the device.
func (a *Arena) FromInt32(data []int32, size ...int64) Tensor {
	return a.fromHost(unsafe.Pointer(unsafe.SliceData(data)), Int32, size)
}

// FromFloat32 copies numbers to the device.
func (a *Arena) FromFloat32(data []float32, size ...int64) Tensor {
	return a.fromHost(unsafe.Pointer(unsafe.SliceData(data)), F32, size)
}

func (a *Arena) fromHost(data unsafe.Pointer, dtype DType, size []int64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("copy to device", C.fta_from_host(data, ints(size), C.int(len(size)), C.int(dtype), C.int(a.device), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Bytes copies t, as it is, to host memory; len(to) must be its size in bytes.
func (a *Arena) Bytes(t Tensor, to []byte) {
	if a.err == nil && len(to) > 0 {
		a.ok("copy to host", C.fta_to_host(t.p, unsafe.Pointer(&to[0]), C.int64_t(len(to))))
	}
}

// Floats copies an fp32 tensor to host memory; len(to) must be its number of elements.
func (a *Arena) Floats(t Tensor, to []float32) {
	if len(to) > 0 {
		a.Bytes(t, unsafe.Slice((*byte)(unsafe.Pointer(&to[0])), 4*len(to)))
	}
}

// Copy copies src into dst, converting the element type.
func (a *Arena) Copy(dst, src Tensor) {
	if a.err == nil {
		a.ok("copy", C.fta_copy_cast(dst.p, src.p))
	}
}

// Fill sets every element.
func (a *Arena) Fill(t Tensor, value float64) {
	if a.err == nil {
		a.ok("fill", C.fta_fill(t.p, C.double(value)))
	}
}

// Zero sets t to zero.
func (a *Arena) Zero(t Tensor) { a.Fill(t, 0) }

// Scale multiplies t in place.
func (a *Arena) Scale(t Tensor, by float64) {
	if a.err == nil {
		a.ok("scale", C.fta_scale(t.p, C.double(by)))
	}
}

// Add adds alpha times other to t in place.
func (a *Arena) Add(t, other Tensor, alpha float64) {
	if a.err == nil {
		a.ok("add", C.fta_add(t.p, other.p, C.double(alpha)))
	}
}

// MulArms multiplies each arm's slice of t [K,..] by its own factor [K], in place.
func (a *Arena) MulArms(t, factor Tensor) {
	if a.err == nil {
		a.ok("scale arms", C.fta_mul_arms(t.p, factor.p))
	}
}

// Mul is the product, element by element.
func (a *Arena) Mul(x, y Tensor) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("multiply", C.fta_mul(x.p, y.p, &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// AddProduct adds x times y, element by element, to t in place.
func (a *Arena) AddProduct(t, x, y Tensor) {
	if a.err == nil {
		a.ok("add product", C.fta_addcmul(t.p, x.p, y.p))
	}
}

// Normal fills t with normal values of a standard deviation.
func (a *Arena) Normal(t Tensor, std float64) {
	if a.err == nil {
		a.ok("normal", C.fta_normal(t.p, C.double(std)))
	}
}

// KaimingUniform fills t as PEFT initialises LoRA's A: uniform within 1/sqrt(fanIn)
// (torch.nn.init.kaiming_uniform_ with a = sqrt(5)).
func (a *Arena) KaimingUniform(t Tensor, fanIn int64) {
	if a.err == nil {
		a.ok("kaiming", C.fta_kaiming_uniform_a5(t.p, C.int64_t(fanIn)))
	}
}

// DropoutMask is 0 with probability p and 1/(1-p) elsewhere, of like's shape.
func (a *Arena) DropoutMask(like Tensor, p float64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("dropout", C.fta_dropout_mask(like.p, C.double(p), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

func ints(v []int64) *C.int64_t { return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(v))) }

// EmptyLike makes a contiguous tensor of t's size and type with undefined values.
func (a *Arena) EmptyLike(t Tensor) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("empty", C.fta_empty_like(t.p, &out)) {
		return Tensor{}
	}
	return a.keep(out)
}
