import { AccountPage } from '../pages/account.ts';
import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { DocumentationPage, DOCUMENTATION } from '../pages/documentation.ts';
import { Frame, LockedItem } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, MEMBER, TRIAL } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { resetLink } from '../support/reset-link.ts';
import { createToken, createTokens, changeByCli } from '../support/tokens.ts';

// The roles and names on each page, in the order in which a screen reader reads them. Tables may have further rows.

test('sign-in', async ({ page }) => {
  const form = new SignInPage(page);
  await openPage(page, '/sign-in');
  await form.signIn(MEMBER, 'not-the-password');
  await expect(form.error).toBeFocused();
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - text: 9Pic
      - heading "Sign in" [level=1]
      - alert: /password is wrong/
      - textbox "Email": ${MEMBER}
      - textbox "Password"
      - button "Show password"
      - button "Sign in"
      - link "Forgotten your password?"
      - paragraph:
        - link "API documentation"
  `);
});

test('a forgotten password', async ({ page, server, pageErrors }) => {
  await openPage(page, '/forgotten-password');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - text: 9Pic
      - heading "Forgotten your password?" [level=1]
      - paragraph: /Ask 9Pic support/
      - paragraph: /works once, and for one hour/
      - link "Contact 9Pic (opens in a new tab)"
      - link "Back to sign in"
  `);
  await page.goto((await resetLink(server, MEMBER)).path);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - text: 9Pic
      - heading "Set a new password" [level=1]
      - paragraph: for ${MEMBER}
      - textbox "New password"
      - paragraph: /At least 12 characters/
      - button "Show password"
      - paragraph: /signed out in all browsers/
      - button "Set password"
  `);
  pageErrors.allow(failedToLoad(404));
  await page.goto('/reset-password');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "This link does not work" [level=1]
      - paragraph: /works once, and for one hour/
      - link "Sign in"
      - link "Contact 9Pic (opens in a new tab)"
  `);
});

test('the frame, on a plan without the Developer Zone', async ({ page, signIn }) => {
  const lock = new LockedItem(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await lock.item.click();
  await expect(page.locator('body')).toMatchAriaSnapshot(`
    - link "Skip to main content"
    - complementary "Sidebar":
      - 'button "Organisation: First Steps (907) Trial"'
      - navigation "Main":
        - list:
          - listitem:
            - link "Home"
          - listitem:
            - link "Events"
          - listitem:
            - button "Developer Zone"
          - listitem:
            - link "API documentation (opens in a new tab)"
      - region "Account":
        - paragraph: ${TRIAL}
        - link "Your account"
        - button "Sign out"
    - main:
      - heading "Events" [level=1]
      - region "Events":
        - heading "No events yet" [level=2]
        - paragraph: Events of this organisation appear here once they are created.
    - dialog "Enterprise Plan Required":
      - heading "Enterprise Plan Required" [level=2]
      - paragraph: /First Steps \\(907\\) is on the/
      - paragraph: /API tokens/
      - button "Close"
      - link "Contact 9Pic (opens in a new tab)"
    - status
    - alert
  `);
});

test('home, before and after the first token', async ({ page, server, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/');
  const main = page.getByRole('main');
  await expect(main).toMatchAriaSnapshot(`
    - main:
      - heading "Home" [level=1]
      - paragraph: Summit Races (903) Enterprise
      - region "Three steps to your first call":
        - heading "Three steps to your first call" [level=2]
        - list:
          - listitem:
            - paragraph: "Not done yet: Create a token"
            - paragraph: /In the Developer Zone/
            - link "Create Token"
          - listitem:
            - paragraph: "Not done yet: Copy it"
            - paragraph: /shown once/
          - listitem:
            - paragraph: "Not done yet: Make the first call"
            - paragraph: /X-API-Key/
      - region "Accepted calls today":
        - heading "Accepted calls today" [level=2]
        - paragraph: "0"
        - paragraph: "Yesterday: 0"
        - paragraph: Days begin at midnight UTC.
      - region "Refused calls today":
        - heading "Refused calls today" [level=2]
        - paragraph: "0"
        - paragraph: "Yesterday: 0"
      - region "Active tokens":
        - heading "Active tokens" [level=2]
        - paragraph: "0"
        - paragraph: No API tokens yet
        - link "Manage tokens"
      - region "Next event":
        - heading "Next event" [level=2]
        - paragraph: Summit Marathon 2027
        - paragraph:
          - time: 18 Jan 2027, 06:00
          - text: /in \\d+ days/
        - paragraph:
          - text: ID
          - code: "789"
          - text: Draft
        - link "All events"
      - region "Last changes":
        - heading "Last changes" [level=2]
        - link "All activity"
        - paragraph: Nothing was changed lately.
  `);
  const token = previewOf(await createToken(server));
  await openPage(page, '/');
  await expect(main.getByRole('region', { name: 'Last changes' })).toMatchAriaSnapshot(`
    - region "Last changes":
      - heading "Last changes" [level=2]
      - link "All activity"
      - list:
        - listitem:
          - paragraph:
            - strong: 9Pic support
            - text: created token
            - link "${token}"
            - text: in the name of ${MEMBER}
          - time
  `);
});

test('choosing an organisation', async ({ page, signIn }) => {
  const { switcher } = new Frame(page);
  await signIn(ADMIN);
  await openPage(page, '/developer-zone');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Developer Zone" [level=1]
      - region "Choose an organisation":
        - heading "Choose an organisation" [level=2]
        - paragraph: /to see its API tokens/
        - list:
          - listitem:
            - button "City Runners (905) Pro"
  `);
  await switcher.button.click();
  await expect(switcher.list).toMatchAriaSnapshot(`
    - dialog "Organisations":
      - searchbox "Search organisations by name or ID"
      - list:
        - listitem:
          - button "City Runners (905) Pro"
        - listitem:
          - button "First Steps (907) Trial"
        - listitem:
          - button "Harbour Events (904) Enterprise"
        - listitem:
          - button "Summit Races (903) Enterprise"
        - listitem:
          - button "Wedding Lens (906) Pay As You Go"
      - status
  `);
});

test('events, activity, account, page not found', async ({ page, signIn, pageErrors }) => {
  const activity = new ActivityPage(page);
  const account = new AccountPage(page);
  await signIn(MEMBER);
  await test.step('events', async () => {
    await openPage(page, '/events?page=2');
    await expect(page.getByRole('main')).toMatchAriaSnapshot(`
      - main:
        - heading "Events" [level=1]
        - region "Events":
          - table "Events of the organisation, newest first":
            - rowgroup:
              - row "ID Name Status Event Date"
            - rowgroup:
              - row /^\\d+ .+ Active \\d+ \\w+ \\d+, \\d+:\\d+$/:
                - cell:
                  - code: /\\d+/
                  - button /Copy Event ID \\d+/
                - rowheader
                - cell "Active"
                - cell:
                  - time
          - status: Showing 31 to 60 of 87 events
          - navigation "Pages":
            - link "Previous"
            - link "Next"
    `);
  });
  await test.step('activity', async () => {
    await activity.open();
    await expect(activity.card).toMatchAriaSnapshot(`
      - region "Activity":
        - heading "Activity" [level=2]
        - link "Download CSV"
        - form "Filter":
          - combobox "Kind":
            - option "All activity" [selected]
          - combobox "Token":
            - option "All tokens" [selected]
          - textbox "First day"
          - textbox "Last day"
          - button "Filter"
        - table "Activity of the organisation, newest first":
          - rowgroup:
            - row "Activity When From"
          - rowgroup:
            - row /day \\d+ \\w+ \\d{4}$/
            - row:
              - rowheader "${MEMBER} signed in"
              - cell:
                - time
              - cell /127\\.0\\.0\\.1/
    `);
  });
  await test.step('account', async () => {
    await openPage(page, '/account');
    await account.changePassword('not the password', 'five unrelated words make one');
    await expect(account.current).toBeFocused();
    await expect(page.getByRole('main')).toMatchAriaSnapshot(`
      - main:
        - heading "Your account" [level=1]
        - region "Password":
          - heading "Password" [level=2]
          - text: Current password
          - textbox "Current password" [invalid]
          - paragraph: /Nothing was changed/
          - text: New password
          - textbox "New password"
          - paragraph: /At least 12 characters/
          - button "Show passwords"
          - button "Change password"
        - region "Where you are signed in":
          - heading "Where you are signed in" [level=2]
          - button "Sign out everywhere"
          - paragraph: /do not recognise/
          - table /^Browsers in which you are signed in/:
            - rowgroup:
              - row "Browser Address Signed in Last used Actions"
            - rowgroup:
              - row:
                - cell /This browser/
                - cell "127.0.0.1"
                - cell:
                  - time
                - cell "Now"
                - cell:
                  - button /^Sign out /
    `);
  });
  pageErrors.allow(failedToLoad(404));
  await test.step('page not found', async () => {
    await openPage(page, '/no-such-page');
    await expect(page.locator('body')).toMatchAriaSnapshot(`
      - main:
        - heading "Page not found" [level=1]
        - paragraph
        - link "Go to Home"
    `);
  });
});

test('Developer Zone', async ({ page, signIn, server }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Developer Zone" [level=1]
      - navigation "Developer Zone":
        - link "API tokens"
        - link "Activity"
      - region "Admin API Tokens":
        - heading "Admin API Tokens" [level=2]
        - paragraph: 0 of 10 tokens
        - link "API documentation (opens in a new tab)"
        - heading "No API tokens yet" [level=2]
        - paragraph: /Create a token/
        - button "Create Token"
  `);
  const tokens = await createTokens(server, 2);
  await changeByCli(server, 'deactivate', previewOf(tokens[1]!));
  await zone.open();
  await expect(zone.card).toMatchAriaSnapshot(`
    - region "Admin API Tokens":
      - heading "Admin API Tokens" [level=2]
      - paragraph: 2 of 10 tokens
      - link "API documentation (opens in a new tab)"
      - button "Create Token"
      - table "API tokens of the organisation, newest first":
        - rowgroup:
          - row:
            - columnheader "Token"
            - columnheader "Status"
            - columnheader "Created By"
            - columnheader "Created At"
            - columnheader "Actions"
        - rowgroup:
          - row:
            - rowheader:
              - link /\\*{3}/
              - button /^Name token .{5}\\*{3}$/
            - cell "Inactive Never used No calls in the last 7 days":
              - img "No calls in the last 7 days"
            - cell "${MEMBER}"
            - cell /\\d{4}/
            - cell:
              - switch /^Token .{5}\\*{3} active$/ [checked=false]
              - button /^Delete token .{5}\\*{3}$/
          - row:
            - rowheader:
              - link /\\*{3}/
              - button /^Name token .{5}\\*{3}$/
            - cell "Active Never used No calls in the last 7 days":
              - img "No calls in the last 7 days"
            - cell "${MEMBER}"
            - cell /\\d{4}/
            - cell:
              - switch /^Token .{5}\\*{3} active$/ [checked]
              - button /^Delete token .{5}\\*{3}$/
  `);
});

test('dialogs of the Developer Zone', async ({ page, signIn }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toMatchAriaSnapshot(`
    - dialog "Create API token":
      - heading "Create API token" [level=2]
      - paragraph: Summit Races (903)
      - paragraph: /separate token for each integration/
      - paragraph:
        - strong: only once
      - textbox "Name (optional)"
      - paragraph: /What will use the token/
      - button "Cancel"
      - button "Create Token"
  `);
  await zone.createDialog.create.click();
  await expect(zone.newToken.field).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(zone.newToken.dialog).toMatchAriaSnapshot(`
    - dialog "Your new API token":
      - heading "Your new API token" [level=2]
      - paragraph: /· Summit Races \\(903\\)/
      - region "Copy":
        - heading "Copy" [level=3]
        - paragraph:
          - strong: Copy the token now.
        - textbox "API token": /^[0-9A-Za-z]{46}$/
        - button "Copy token"
        - status
      - region "Try":
        - heading "Try" [level=3]
        - tablist "Languages":
          - tab "cURL" [selected]
          - tab "Python"
          - tab "JavaScript"
        - tabpanel "cURL":
          - textbox "cURL example"
        - button "Copy cURL example"
        - button "Test connection"
        - status
        - status
        - status: Waiting for the first call…
      - alert:
        - paragraph: /Have you copied the token\\?/
        - button "Close without copying"
        - button "Keep it open"
        - button "Copy token and close"
  `);
  await zone.newToken.closeWithoutCopying.click();
  await zone.menu.click();
  await expect(zone.card).toMatchAriaSnapshot(`
    - region "Admin API Tokens":
      - button "Create Token"
      - button "More actions"
      - button "Deactivate all tokens… 1 active"
  `);
  await zone.deactivateAll.click();
  await expect(zone.deactivateAllDialog.dialog).toMatchAriaSnapshot(`
    - alertdialog "Deactivate 1 token?":
      - heading "Deactivate 1 token?" [level=2]
      - paragraph: Summit Races (903)
      - paragraph: /All integrations of Summit Races/
      - button "Cancel"
      - button "Deactivate all"
  `);
  await zone.deactivateAllDialog.cancel.click();
  await zone.rows.getByRole('button', { name: /^Delete/ }).click();
  await expect(zone.deleteDialog.dialog).toMatchAriaSnapshot(`
    - alertdialog "Delete API token?":
      - heading "Delete API token?" [level=2]
      - paragraph: Summit Races (903)
      - paragraph:
        - code: /\\*{3}/
      - button "Deactivate instead"
      - button "Cancel"
      - button "Delete"
  `);
});

test('documentation', async ({ page }) => {
  await page.goto('/docs');
  await expect(new DocumentationPage(page).heading).toBeVisible();
  await expect(page.locator('body')).toMatchAriaSnapshot(`
    - link "Skip to main content"
    - banner:
      - link "9Pic API documentation"
      - link "Open the dashboard"
      - search:
        - combobox "Search the documentation"
        - status
      - combobox "Theme"
    - navigation "Documentation":
      - list:
${DOCUMENTATION.map(({ name }) => `        - listitem:\n          - link "${name}"`).join('\n')}
    - main:
      - heading "API documentation" [level=1]
      - paragraph:
        - link "View as Markdown"
        - link "OpenAPI document"
      - text: Examples use the demo’s organisation 903 and event 456.
      - button "Change values"
      - navigation "On this page":
        - heading "On this page" [level=2]
        - list
      - article:
        - heading "Before you start" [level=2]
        - heading /Step 1/ [level=2]
        - heading /Step 2/ [level=2]
        - tablist "Language":
          - tab "cURL" [selected]
          - tab "Python"
          - tab "JavaScript"
        - tabpanel "cURL":
          - status
          - button "Copy"
          - group "cURL"
        - heading /Step 3/ [level=2]
        - heading "Where to go next" [level=2]
  `);
});
