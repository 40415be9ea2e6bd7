//! How does Ctrl-C become a wish to stop?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use downslope::observer::Interrupt;

/// An observer that stops a run at the first Ctrl-C (or request to terminate); the second ends the program at once.
pub(crate) fn observer() -> Interrupt {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    // A handler that cannot be installed leaves the system's own in place, which is safe: a run survives being killed.
    let _ = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    Interrupt::new(flag)
}
