//! What axe-core says about a page.

use fantoccini::Client;

use crate::driver;

/// Each violated rule, with the elements that violate it.
pub(crate) async fn violations(client: &Client) -> Vec<String> {
    let axe = std::fs::read_to_string(driver::axe()).unwrap();
    client.execute(&axe, Vec::new()).await.unwrap();
    let run = "const done = arguments[arguments.length - 1];
               axe.run(document).then(
                   found => done(found.violations.map(violation =>
                       violation.id + ': ' + violation.help + ': ' +
                       violation.nodes.map(node => node.target.join(' ')).join(', '))),
                   error => done(['axe failed: ' + error]));";
    let found = client.execute_async(run, Vec::new()).await.unwrap();
    found.as_array().unwrap().iter().map(|violation| violation.as_str().unwrap().to_owned()).collect()
}
