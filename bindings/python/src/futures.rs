//! asyncio's futures, for what is waited for seldom.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyBool};

/// The running event loop.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FUNCTION.import(py, "asyncio", "get_running_loop")?.call0()
}

/// A future that is done, of no loop. The function that resumes a task wants one, and asks it for its result alone;
/// asyncio looks into its own futures much quicker than it calls the methods of others.
pub(crate) fn done(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static DONE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let done = DONE.get_or_try_init(py, || {
        let asks = [("get_debug", py.get_type::<PyBool>())].into_py_dict(py)?;
        let no_loop = (py.import("types")?).call_method("SimpleNamespace", (), Some(&asks))?;
        let belongs = [("loop", no_loop)].into_py_dict(py)?;
        let future = (py.import("asyncio")?).call_method("Future", (), Some(&belongs))?;
        set_result(&future, py.None())?;
        Ok::<_, PyErr>(future.unbind())
    })?;
    Ok(done.bind(py))
}

/// Calls `function(argument)` in a `contextvars.Context`.
pub(crate) fn run_in_context(
    py: Python<'_>,
    context: Py<PyAny>,
    function: Py<PyAny>,
    argument: &Bound<'_, PyAny>,
) -> PyResult<()> {
    static RUN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let run = RUN.get_or_try_init(py, || {
        let class = py.import("contextvars")?.getattr("Context")?;
        Ok::<_, PyErr>(class.getattr("run")?.unbind())
    })?;
    run.call1(py, (context, function, argument)).map(drop)
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
