#![no_main]

use downslope::data::Format;

// The readers of columns panic at some damaged files, which `columnar` takes for damage. Only a panic that gets further
// is a finding, so the hook that ends at every one is taken away.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| downslope_fuzz::read(Format::Parquet, bytes)
);
