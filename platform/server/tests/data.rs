//! `touchstone migrate|backup|restore` and `config` at the terminal.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::ensure;

fn touchstone(arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_touchstone"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env_remove("TOUCHSTONE_DATA")
        .output()?;
    let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    Ok((output.status.success(), said))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in the tests is text")
}

#[test]
fn a_store_is_made_copied_damaged_and_brought_back() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (data, copy, back) =
        (directory.path().join("data"), directory.path().join("copy"), directory.path().join("back"));
    let (good, said) = touchstone(&["migrate", "--data", text(&data)])?;
    ensure!(good && said.contains("a new database at migration"), "{said}");
    let (good, said) = touchstone(&["migrate", "--data", text(&data)])?;
    ensure!(good && said.contains("this release's last") && said.contains("0 evidence files"), "{said}");
    let (good, said) = touchstone(&["backup", text(&copy), "--data", text(&data)])?;
    ensure!(good && said.contains("private"), "{said}");
    let (good, said) = touchstone(&["backup", text(&copy), "--data", text(&data)])?;
    ensure!(!good && said.contains("error:"), "a backup over another: {said}");
    let (good, said) = touchstone(&["restore", text(&copy), text(&back)])?;
    ensure!(good && said.contains("is restored"), "{said}");
    let (good, said) = touchstone(&["restore", text(&directory.path().join("nothing")), text(&back)])?;
    ensure!(!good && said.contains("backup"), "{said}");
    fs::write(data.join("touchstone.sqlite"), "no database")?;
    let (good, said) = touchstone(&["migrate", "--data", text(&data)])?;
    ensure!(!good && said.contains("damaged") && !said.contains("panicked"), "{said}");
    Ok(())
}

#[test]
fn the_example_configuration_is_good_and_shown() -> anyhow::Result<()> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/touchstone.toml");
    let (good, said) = touchstone(&["config", "check", text(&examples)])?;
    ensure!(good && said.contains("can be used") && said.contains("season spring"), "{said}");
    let (good, said) = touchstone(&["config", "show", text(&examples)])?;
    ensure!(good && said.contains("Kim, Foundation") && said.contains("SQLite"), "{said}");
    let (good, said) = touchstone(&["config", "check", "/nowhere/touchstone.toml"])?;
    ensure!(!good && said.contains("/nowhere/touchstone.toml"), "{said}");
    Ok(())
}
