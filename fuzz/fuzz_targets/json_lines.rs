#![no_main]

use downslope::data::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downslope_fuzz::read(Format::JsonLines, bytes));
