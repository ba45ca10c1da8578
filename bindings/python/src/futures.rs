//! asyncio's futures, for what is waited for seldom.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The running event loop.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FUNCTION.import(py, "asyncio", "get_running_loop")?.call0()
}

/// A new future of the running loop.
pub(crate) fn create_future(py: Python<'_>) -> PyResult<Py<PyAny>> {
    Ok(running_loop(py)?
        .call_method0(intern!(py, "create_future"))?
        .unbind())
}

/// Sets the result of every future that still waits.
pub(crate) fn resolve(py: Python<'_>, futures: Vec<Py<PyAny>>) -> PyResult<()> {
    for future in futures {
        set_result(future.bind(py), py.None())?;
    }
    Ok(())
}

/// Sets the result of a future that still waits.
pub(crate) fn set_result(future: &Bound<'_, PyAny>, value: Py<PyAny>) -> PyResult<()> {
    if !future
        .call_method0(intern!(future.py(), "done"))?
        .is_truthy()?
    {
        future.call_method1(intern!(future.py(), "set_result"), (value,))?;
    }
    Ok(())
}
